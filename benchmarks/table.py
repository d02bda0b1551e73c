"""The table: for a terminal with rich, and as markdown between two marks in a file."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.errors import BenchmarkError
from benchmarks.measures import Measure
from benchmarks.results import Cell, Results

BEGIN = "<!-- table: begin (written by `python -m benchmarks --out`) -->"
END = "<!-- table: end -->"
NOTHING = "—"


@dataclass(frozen=True)
class Section:
    """Rows of the report, and the names of those that profilelog is compared with there."""

    measures: Sequence[Measure]
    opponents: Sequence[str]


class Report:
    """A table for each section: one system beside others; a ratio is how many times better it does than that one.

    An opponent of whom nothing was measured in a section has no column there.
    """

    def __init__(
        self, results: Results, sections: Sequence[Section], ours: str, caption: str
    ) -> None:
        self.caption = caption
        self._tables = [
            list(_lines(results, section, ours)) for section in sections if section.measures
        ]

    def show(self, console: Console) -> None:
        for header, *rows in self._tables:
            table = Table()
            for number, name in enumerate(header):
                table.add_column(name, justify="left" if number == 0 else "right")
            for row in rows:
                table.add_row(*row)
            console.print(table)
        console.print(self.caption)

    def markdown(self) -> str:
        return "\n\n".join([*map(_markdown, self._tables), f"{self.caption}\n"])


def write_between_marks(path: Path, text: str) -> None:
    """Put `text` between the marks in the file; a file that is not there yet is made of them."""
    before, after = _around_marks(path)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def check_marks(path: Path) -> None:
    """Raise ValueError now, not after minutes of measuring, when the table has no place there."""
    _around_marks(path)


def machine() -> str:
    """The machine by its cores and memory, and what runs on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GiB of memory, Linux, Python {platform.python_version()}"


def _around_marks(path: Path) -> tuple[str, str]:
    if not path.exists():
        return "", "\n"
    text = path.read_text()
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{path} has no place for a table: the lines {BEGIN} and {END}")
    return before, after


def _lines(results: Results, section: Section, ours: str) -> Iterator[Sequence[str]]:
    """The header and the rows of a table."""
    opponents = [
        name
        for name in section.opponents
        if any(results.cell(name, measure) is not None for measure in section.measures)
    ]
    yield "measure", ours, *chain.from_iterable((name, "ratio") for name in opponents)
    for measure in section.measures:
        beside = (
            (
                _cell_text(results.cell(name, measure), measure.unit),
                _ratio_text(results.advantage(measure, ours, name)),
            )
            for name in opponents
        )
        own = _cell_text(results.cell(ours, measure), measure.unit)
        yield measure.title, own, *chain.from_iterable(beside)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    header, *rows = lines
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _cell_text(cell: Cell | BenchmarkError | None, unit: str) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, BenchmarkError):
        return cell.short
    middle = f"{_number(cell.middle)} {unit}".replace(" /s", "/s")
    if cell.rounds == 1:
        return middle
    return f"{middle} ({_number(cell.lowest)} to {_number(cell.highest)})"


def _ratio_text(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{_number(ratio)}x"


def _number(value: float) -> str:
    """Three digits that count, at least; thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
