"""A file of users to import: CSV, whose header line names properties, or NDJSON, an object a line."""

import csv
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, AnyStr, Final, NamedTuple

import msgspec

from api.bodies import as_object, check_utf8, decode_json
from api.command_line.user_file import no_csv
from schemas.errors import OperatorError, RequestError

LONGEST_LINE: Final = 4 << 20  # bytes
_BOM: Final = b"\xef\xbb\xbf"


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"

    @classmethod
    def of(cls, path: Path) -> "Format":
        """By the file's name. Raises `OperatorError`."""
        match path.suffix.lower():
            case ".csv":
                return cls.CSV
            case ".ndjson" | ".jsonl":
                return cls.NDJSON
            case _:
                raise OperatorError(
                    f"{path} is named neither .csv nor .ndjson: say with --format which of them it is"
                )


class Line(NamedTuple):
    """One user of the file: the line that it begins on, its text, and what to send, a JSON object.

    `reason` says why there is nothing to send.
    """

    number: int
    text: str
    item: bytes
    reason: str | None = None


def read_lines(path: Path, form: Format) -> Iterator[Line]:
    """The users of the file; empty lines are passed over.

    Raises `OperatorError`, which names the line and nothing that stands in it.
    """
    return _read_csv(path) if form is Format.CSV else _read_ndjson(path)


def count_lines(path: Path, form: Format) -> int:
    """How many users the file has; after this it is known that all of it can be read. Raises `OperatorError`."""
    if form is Format.CSV:
        return sum(1 for _ in _read_csv(path))
    return sum(1 for _ in _texts(path))


def _bounded(path: Path, file: IO[AnyStr]) -> Iterator[AnyStr]:
    """The lines of a file, none of which takes more memory than it may."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise OperatorError(
                f"line {number} of {path} has more than {LONGEST_LINE} bytes: a user takes one line, and "
                "no more than 1 MiB"
            )
        yield line


# ---------------------------------------------------------------------- NDJSON


def _read_ndjson(path: Path) -> Iterator[Line]:
    for number, raw in _texts(path):
        text = raw.decode(errors="replace")
        try:
            check_utf8(raw)
            as_object(decode_json(raw, object))
        except RequestError as error:
            reason = str(error).replace("The body", "The line")
            yield Line(number, text, b"", reason)
        else:
            yield Line(number, text, raw)


def _texts(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1."""
    with path.open("rb") as file:
        for number, raw in enumerate(_bounded(path, file), 1):
            text = raw.removeprefix(_BOM).strip() if number == 1 else raw.strip()
            if text:
                yield number, text


# ---------------------------------------------------------------------- CSV


class _Recorder:
    """Lines of a text file, and those since the last `take`: a quoted field may go over several."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._taken.append(line)
            yield line

    def take(self) -> str:
        text = "".join(self._taken).rstrip("\r\n")
        self._taken.clear()
        return text


def _read_csv(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        recorder = _Recorder(_bounded(path, file))
        csv.field_size_limit(LONGEST_LINE)  # 128 KiB otherwise, for which the whole file is refused
        rows = csv.reader(recorder, strict=True)
        number = 1
        try:
            names = _names(path, next(rows, None) or [])
            recorder.take()
            number = rows.line_num + 1
            for row in rows:
                text = recorder.take()
                if row:
                    yield _line(number, text, names, row)
                number = rows.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise no_csv(path, number, error) from None


def _names(path: Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    if not names or not all(names) or len(set(names)) != len(names):
        raise OperatorError(
            f"the first line of {path} has to name each of its columns, none of them twice"
        )
    return names


def _line(number: int, text: str, names: list[str], row: list[str]) -> Line:
    """An empty cell says nothing: the property stays as it is."""
    if len(row) != len(names):
        reason = f"The line has {len(row)} fields, and the header line {len(names)}"
        return Line(number, text, b"", reason)
    sent = {name: cell for name, cell in zip(names, row, strict=True) if cell}
    return Line(number, text, msgspec.json.encode(sent))
