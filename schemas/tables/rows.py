"""Rows of a CSV as spreadsheets write it (contract §8).

The delimiter is a comma, a semicolon or a tab: the one with which the header line names an identifier. A quoted cell
may hold delimiters and line ends.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

from schemas import property_names
from schemas.identifiers import trim
from schemas.tables.lines import UnreadableTable, split_lines

IDENTIFIERS: Final = ("uid", "email", "id")
"""The columns that say which user a row is about."""

IDENTIFYING: Final = property_names.IDENTIFIERS.union(IDENTIFIERS)
"""The columns that say which user, or which company, a row is about."""

LONGEST_ROW: Final = 4 << 20
"""The most that a caller may allow a row to have, in bytes."""

_DELIMITERS: Final = (",", ";", "\t")
_MAX_COLUMNS: Final = 10_000
_MAX_ROWS_BEFORE: Final = 100  # the header line
# A line before the header, which names the delimiter for spreadsheets.
_DELIMITER_LINE: Final = re.compile(r"\s*\"?sep=([,;\t])\"?\s*", re.IGNORECASE)
_NO_HEADER: Final = (
    "has no proper header line: it has to name uid, email or id, each of them at most once, "
    f"with commas, semicolons or tabs between the columns, of which there are at most {_MAX_COLUMNS}"
)

_BROKEN: Final = "is no proper CSV"
_QUOTED_NAME: Final = (
    "has a column whose name begins with a quotation mark: something stands before it"
)

csv.field_size_limit(LONGEST_ROW)  # of the whole process: 128 KiB otherwise


class Row(NamedTuple):
    """One row: the line that it begins on (from 1), its cells, and its text without the line end."""

    line: int
    cells: list[str]
    text: str

    @property
    def blank(self) -> bool:
        """Whether it is an empty line or delimiters alone."""
        return not any(map(str.strip, self.cells))

    def may_be_several(self) -> bool:
        """Whether another delimiter makes more than one cell of it: a header of one column names none."""
        others = [delimiter for delimiter in _DELIMITERS if delimiter in self.text]
        return any(self._width(delimiter) != 1 for delimiter in others)

    def _width(self, delimiter: str) -> int:
        lines = self.text.splitlines(keepends=True)
        try:
            return sum(map(len, csv.reader(lines, delimiter=delimiter, strict=True)))
        except csv.Error:
            return 0


class Table:
    """A CSV's header, and once its rows. Memory is bounded by `longest`, the bytes that a row may have.

    `names` are the header's cells without blanks around them, identifiers in lower case; `line` is the header's line.
    Raises `UnreadableTable`: when it is made, for a header that does not name an identifier; while it is read, for a
    row that cannot be read.
    """

    def __init__(self, chunks: Iterable[bytes], longest: int = LONGEST_ROW) -> None:
        head = _Head(split_lines(chunks, longest), longest)
        delimiter, skipped = _delimiter(head, longest)
        self._feed = _Feed(head.then_rest(), longest)
        self._reader = csv.reader(self._feed, delimiter=delimiter, strict=True)
        rows = iter(self)
        for _ in range(skipped):
            next(rows)
        header = next(rows)
        self.names = _names(header.cells)
        self.line = header.line

    def __iter__(self) -> Iterator[Row]:
        line = self._feed.number + 1
        try:
            for cells in self._reader:
                yield Row(line, cells, self._feed.take())
                line = self._feed.number + 1
        except csv.Error:
            raise UnreadableTable(_BROKEN, line) from None


class _Feed:
    """Lines of text for one `csv.reader`, and those since the last `take`: a quoted cell may go over several."""

    def __init__(self, lines: Iterator[bytes], longest: int) -> None:
        self.number = 0
        self._lines = lines
        self._longest = longest
        self._taken: list[str] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            self._size += len(line)
            if self._size > self._longest:
                first = self.number - len(self._taken)
                raise UnreadableTable(f"has a row of more than {self._longest} bytes", first)
            try:
                text = line.decode()
            except UnicodeDecodeError:
                reason = "is no UTF-8, nor UTF-16 with a byte order mark"
                raise UnreadableTable(reason, self.number) from None
            if self.number == 1:
                text = text.lstrip("\ufeff")  # further marks, of files that were joined, say
            if "\0" in text:
                raise UnreadableTable("is no text: it has a NUL byte", self.number)
            self._taken.append(text)
            yield text

    def take(self) -> str:
        text = "".join(self._taken).rstrip("\r\n")
        self._taken.clear()
        self._size = 0
        return text


class _Head:
    """The first lines of a file, which may be read several times, each time as far as is needed.

    Raises `UnreadableTable` when they have more than `longest` bytes.
    """

    def __init__(self, lines: Iterator[bytes], longest: int) -> None:
        self._lines = lines
        self._left = longest
        self._kept: list[bytes] = []

    def again(self) -> Iterator[bytes]:
        yield from self._kept
        for line in self._lines:
            self._kept.append(line)
            self._left -= len(line)
            if self._left < 0:
                raise UnreadableTable(_NO_HEADER, 1)
            yield line

    def then_rest(self) -> Iterator[bytes]:
        return chain(self._kept, self._lines)


def _delimiter(head: _Head, longest: int) -> tuple[str, int]:
    """The delimiter, and how many rows stand before the header. Raises `UnreadableTable`."""
    found: dict[str, _Header] = {}
    broken = 0
    for delimiter in _DELIMITERS:
        try:
            header = _header(_Feed(head.again(), longest), delimiter)
        except csv.Error:
            broken += 1
            continue
        if header is not None and not set(IDENTIFIERS).isdisjoint(header.names):
            found[delimiter] = header
    if broken == len(_DELIMITERS):
        raise UnreadableTable(_BROKEN, 1)
    headers = list(found.values())
    # A header of one column is the same with each delimiter; the rows are then read with the first.
    if not headers or headers.count(headers[0]) < len(headers):
        raise UnreadableTable(_NO_HEADER, 1)
    if any(headers[0].names.count(name) > 1 for name in IDENTIFIERS):
        raise UnreadableTable(_NO_HEADER, headers[0].line)
    if any(name.startswith('"') for name in headers[0].names):
        # What is not read as `uid` would be ignored, and the line would name somebody without it.
        raise UnreadableTable(_QUOTED_NAME, headers[0].line)
    return next(iter(found)), headers[0].skipped


class _Header(NamedTuple):
    """The names of the columns, the line that they begin on, and the rows before it."""

    names: list[str]
    line: int
    skipped: int


def _header(feed: _Feed, delimiter: str) -> _Header | None:
    """The first row that says something; None where there is none, or a line before it names another delimiter."""
    skipped, line = 0, 1
    for cells in islice(csv.reader(feed, delimiter=delimiter, strict=True), _MAX_ROWS_BEFORE + 1):
        text = feed.take()
        if (named := _DELIMITER_LINE.fullmatch(text)) is not None and named[1] != delimiter:
            return None
        if named is None and text.strip("".join(_DELIMITERS) + " "):
            return _Header(_names(cells), line, skipped) if len(cells) <= _MAX_COLUMNS else None
        skipped, line = skipped + 1, feed.number + 1
    return None


def _names(cells: list[str]) -> list[str]:
    names = [trim(cell) for cell in cells]
    return [low if (low := name.lower()) in IDENTIFYING else name for name in names]
