"""Whom a row of a table names, and what no cell can name anybody by (contract §8)."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from schemas.errors import Unprocessable
from schemas.tables.rows import IDENTIFIERS, Row

# How a spreadsheet shows, and saves, a number of more than eleven digits: the others are lost.
_ROUNDED: Final = re.compile(r"\s*[+-]?[0-9]+(?:[.,][0-9]*)?E\+[0-9]{1,3}\s*", re.IGNORECASE)


def check_width(row: Row, names: Sequence[str]) -> None:
    """Raises `Unprocessable` unless each cell has its column: one that slipped would name somebody else."""
    if len(row.cells) != len(names):
        raise Unprocessable(
            f"The line has {len(row.cells)} fields, and the header line {len(names)}"
        )
    check_delimiter(row, names)


def check_delimiter(row: Row, names: Sequence[str]) -> None:
    """Raises `Unprocessable` where a header of one column leaves open whether the row is one cell or several."""
    if len(names) == 1 and row.may_be_several():
        raise Unprocessable(
            "The line has a semicolon or a tab, and the header line does not say whether it parts fields: "
            "put quotation marks around the field"
        )


def check_named(row: Row, names: Sequence[str]) -> None:
    """Raises `Unprocessable` for a value in a column without a name: what stands beside it may have slipped too."""
    for column, (name, cell) in enumerate(zip(names, row.cells, strict=True), 1):
        if not name and cell.strip():
            raise Unprocessable(
                f"The line has a value in column {column}, which the header line does not name"
            )


def check_digits(name: str, text: object) -> None:
    """Raises `Unprocessable` for an identifier whose last digits a spreadsheet has rounded away."""
    if isinstance(text, str) and _ROUNDED.fullmatch(text):
        raise Unprocessable(
            f"{name} is in the form 1.2E+16, in which a spreadsheet writes a long number without its last digits: "
            "format the column as text and enter it anew"
        )


def check_cell(name: str, cell: str) -> None:
    """Raises `Unprocessable` for an identifier that is rounded or, but for an email, has blanks around it."""
    check_digits(name, cell)
    if name != "email" and cell != cell.strip():
        raise Unprocessable(f"{name} has blanks around it")


def identifiers(
    row: Row, names: Sequence[str], columns: Collection[str] = IDENTIFIERS
) -> dict[str, str]:
    """The identifiers of `columns` that the row has; blank cells are left out. Raises `Unprocessable`."""
    check_width(row, names)
    if "" in names:
        check_named(row, names)
    named = {
        name: cell
        for name, cell in zip(names, row.cells, strict=True)
        if name in columns and cell.strip()
    }
    for name, cell in named.items():
        check_cell(name, cell)
    return named
