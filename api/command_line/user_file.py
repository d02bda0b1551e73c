"""A CSV file of users to forget: a header line, then one user a line, named by uid, email or id."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from schemas.errors import OperatorError, Unprocessable
from schemas.identity import is_id
from schemas.tables.identifiers import identifiers
from schemas.tables.rows import IDENTIFIERS, Table


class Column(StrEnum):
    """A column that says who is meant."""

    UID = "uid"
    EMAIL = "email"
    ID = "id"


class User(NamedTuple):
    """One user of the file: the line that it begins on, and the identifiers that it has.

    `reason` says why the line names nobody.
    """

    line: int
    identifiers: Mapping[str, str]
    reason: str | None = None


def read_users(chunks: Iterable[bytes], by: Column | None = None) -> Iterator[User]:
    """The users of the file, named by one column or by all that there are; blank lines are passed over.

    Raises `UnreadableTable`; `OperatorError` for an `id` that is not the service's. Messages name the line and nothing
    that stands in it.
    """
    table = Table(chunks)
    columns = [name for name in IDENTIFIERS if name in table.names and by in (None, name)]
    if not columns:
        raise OperatorError(f"the header line has no column {by}: choose another one with --by")
    for row in table:
        if row.blank:
            continue
        try:
            named = identifiers(row, table.names, columns)
        except Unprocessable as error:
            yield User(row.line, {}, str(error))
            continue
        if "id" in named and not is_id(named["id"]):
            raise _own_ids(row.line, columns)
        yield User(row.line, named, None if named else "The line has no uid, email or id")


def _own_ids(line: int, columns: list[str]) -> OperatorError:
    others = [f"--by {name}" for name in columns if name != "id"]
    choose = (
        f"choose the column that says who is meant with {' or '.join(others)}"
        if others
        else "give the column its right name, uid, and start again"
    )
    return OperatorError(
        f"the id in line {line} is none of the service's own, which have 24 hex digits, and nobody was forgotten: "
        f"where the column holds your own ids, {choose}"
    )
