"""Users to forget from a CSV (contract §8)."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

from api.commands.pacing import paced
from schemas.errors import RequestError, TooLarge, Unprocessable
from schemas.tables.identifiers import identifiers
from schemas.tables.lines import UnreadableTable
from schemas.tables.rows import Row, Table

MAX_LINES: Final = 500_000
"""Lines after the header line."""

_LONGEST_ROW: Final = 256 << 10  # bytes: what is read without leaving the loop to others
_CHUNK: Final = 64 << 10


async def check_csv(body: bytes) -> None:
    """Read all of it, before the first user is forgotten.

    Raises `Unprocessable` when it cannot be read, `TooLarge` when it has too many lines.
    """
    try:
        lines = 0
        async for _ in paced(_table(body)):
            lines += 1
            if lines > MAX_LINES:
                raise TooLarge(
                    f"A CSV must have at most {MAX_LINES} lines after its header line: split it"
                )
    except UnreadableTable as error:
        raise Unprocessable(f"The body {error}") from None


async def csv_items(body: bytes) -> AsyncIterator[tuple[int, object]]:
    """Whom each line of a CSV that was checked names, as a JSON body would, or the error of a wrong line.

    The index counts the lines after the header from 0, the blank ones too, which are passed over. The body is parsed
    again as it is worked through: the identifiers of all its lines would take several times its memory.
    """
    table = _table(body)
    async for index, row in paced(enumerate(table)):
        if not row.blank:
            yield index, _item(row, table.names)


def _item(row: Row, names: list[str]) -> dict[str, str] | RequestError:
    try:
        return identifiers(row, names)
    except Unprocessable as error:
        return Unprocessable(f"Line {row.line}: {error}")


def _table(body: bytes) -> Table:
    return Table(_chunks(body), _LONGEST_ROW)


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
