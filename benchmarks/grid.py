"""Lines of cells as a table: for a terminal with rich, and as markdown. The first line is the header."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

NOTHING = "—"

Lines = Sequence[Sequence[str]]


def show(console: Console, lines: Lines) -> None:
    header, *rows = lines
    table = Table()
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def markdown(lines: Lines) -> str:
    header, *rows = lines
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def number_text(value: float) -> str:
    """Three digits that count, at least; thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio_text(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{number_text(ratio)}x"
