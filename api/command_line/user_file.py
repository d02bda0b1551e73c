"""A CSV file of users: a header line, then one user a line, named by uid, email or id."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import OperatorError

_COLUMNS: Final = ("uid", "email", "id")


class User(NamedTuple):
    """One user of the file: the line that it begins on, and the identifiers that it has.

    None of them where the line has none, or not as many fields as the header line: a field that
    slipped into the next column would name somebody else.
    """

    line: int
    identifiers: Mapping[str, str]


def count_users(path: Path) -> int:
    """How many users the file has. Raises `OperatorError` where it cannot be read."""
    return sum(1 for _ in read_users(path))


def read_users(path: Path) -> Iterator[User]:
    """The users of the file; empty lines are passed over.

    Raises `OperatorError`, which names the line and nothing that stands in it.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        line = 1
        try:
            columns = _columns(path, next(rows, None) or [])
            width = len(columns)
            line = rows.line_num + 1
            for row in rows:
                if row:
                    yield User(line, _identifiers(columns, row) if len(row) == width else {})
                line = rows.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise no_csv(path, line, error) from None


def no_csv(path: Path, line: int, error: csv.Error | UnicodeDecodeError) -> OperatorError:
    """What to tell of a file that cannot be read from a line on."""
    what = "is no UTF-8" if isinstance(error, UnicodeDecodeError) else "is no proper CSV"
    return OperatorError(f"{path} {what}, from line {line} on: mend it and start again")


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    known = [name for name in columns if name in _COLUMNS]
    if not known or len(set(known)) != len(known):
        raise OperatorError(
            f"the first line of {path} has to name each of its columns, and of uid, email and id "
            "at least one, none of them twice"
        )
    return columns


def _identifiers(columns: list[str], row: list[str]) -> dict[str, str]:
    named = zip(columns, row, strict=True)
    return {name: value for name, value in named if name in _COLUMNS and value}
