"""A file of users to import: CSV, whose header line names properties, or NDJSON, an object a line."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from api.bodies import as_object, check_utf8, decode_json
from api.command_line.input_file import Input
from schemas.errors import OperatorError, RequestError, Unprocessable
from schemas.property_names import normalize_name
from schemas.tables.identifiers import check_cell, check_delimiter, check_digits
from schemas.tables.lines import UnreadableTable, split_lines
from schemas.tables.rows import IDENTIFYING, LONGEST_ROW, Row, Table

LONGEST_LINE: Final = LONGEST_ROW  # bytes


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"

    @classmethod
    def of(cls, source: Input) -> "Format":
        """By the file's name; of a pipe by its first character. Raises `OperatorError`."""
        if source.path is None:
            return cls.NDJSON if _begins_with_object(source.head()) else cls.CSV
        match source.path.suffix.lower():
            case ".csv" | ".tsv":
                return cls.CSV
            case ".ndjson" | ".jsonl":
                return cls.NDJSON
            case _:
                raise OperatorError(
                    f"{source.path} is named neither .csv nor .ndjson: say with --format which of them it is"
                )


def _begins_with_object(head: bytes) -> bool:
    lines = split_lines([head], len(head) * 2)
    return next((line for line in lines if line.strip()), b"").lstrip().startswith(b"{")


class Line(NamedTuple):
    """One user of the file: the line that it begins on, its text, and what to send, a JSON object.

    `reason` says why there is nothing to send.
    """

    number: int
    text: str
    item: bytes
    reason: str | None = None


def read_lines(chunks: Iterable[bytes], form: Format) -> Iterator[Line]:
    """The users of the file; blank lines are passed over.

    Raises `UnreadableTable` for what is not in this form, or has a line or row of more than `LONGEST_LINE` bytes: a
    user takes one, and no more than 1 MiB.
    """
    return _read_csv(chunks) if form is Format.CSV else _read_ndjson(chunks)


def check_lines(chunks: Iterable[bytes], form: Format) -> Iterator[object]:
    """One for each user; after the last it is known that all of the file can be read. Raises like `read_lines`."""
    return _read_csv(chunks) if form is Format.CSV else _texts(chunks)


# ---------------------------------------------------------------------- NDJSON


def _read_ndjson(chunks: Iterable[bytes]) -> Iterator[Line]:
    for number, raw in _texts(chunks):
        text = raw.decode(errors="replace")
        try:
            check_utf8(raw)
            sent = as_object(decode_json(raw, object))
            for name in IDENTIFYING & sent.keys():
                check_digits(name, sent[name])
        except RequestError as error:
            reason = str(error).replace("The body", "The line")
            yield Line(number, text, b"", reason)
        else:
            yield Line(number, text, raw)


def _texts(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    for number, raw in enumerate(split_lines(chunks, LONGEST_LINE), 1):
        text = raw.strip()
        if text:
            yield number, text


# ---------------------------------------------------------------------- CSV


def _read_csv(chunks: Iterable[bytes]) -> Iterator[Line]:
    table = Table(chunks)
    _check_names(table)
    for row in table:
        if not row.blank:
            yield _line(row, table.names)


def _check_names(table: Table) -> None:
    """Refuse two columns of one property: one of them would be lost without a word."""
    seen: dict[str, int] = {}
    for column, name in enumerate(map(normalize_name, table.names), 1):
        if name and seen.setdefault(name, column) != column:
            raise UnreadableTable(
                f"names one property in two columns, {seen[name]} and {column}", table.line
            )


def _line(row: Row, names: list[str]) -> Line:
    """A blank cell says nothing, like one that is missing at the end: the property stays as it is."""
    if len(row.cells) > len(names):
        reason = f"The line has {len(row.cells)} fields, and the header line {len(names)}"
        return Line(row.line, row.text, b"", reason)
    sent = {name: cell for name, cell in zip(names, row.cells, strict=False) if cell.strip()}
    if "" in sent:
        columns = enumerate(zip(names, row.cells, strict=False), 1)
        column = next(n for n, (name, cell) in columns if not name and cell.strip())
        raise UnreadableTable(
            f"has a value in column {column}, which its header line does not name", row.line
        )
    try:
        check_delimiter(row, names)
        for name in IDENTIFYING & sent.keys():
            check_cell(name, sent[name])
    except Unprocessable as error:
        return Line(row.line, row.text, b"", str(error))
    return Line(row.line, row.text, msgspec.json.encode(sent))
