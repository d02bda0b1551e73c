"""The table: for a terminal, and as markdown between two marks in a file."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from rich.console import Console

from benchmarks.errors import BenchmarkError
from benchmarks.grid import NOTHING, markdown, number_text, ratio_text, show
from benchmarks.marks import Marks
from benchmarks.measures import Measure
from benchmarks.results import Cell, Results

MARKS = Marks("table", "python -m benchmarks --out")


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
        for lines in self._tables:
            show(console, lines)
        console.print(self.caption)

    def markdown(self) -> str:
        return "\n\n".join([*map(markdown, self._tables), f"{self.caption}\n"])


def machine() -> str:
    """The machine by its cores and memory, and what runs on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GiB of memory, Linux, Python {platform.python_version()}"


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
                ratio_text(results.advantage(measure, ours, name)),
            )
            for name in opponents
        )
        own = _cell_text(results.cell(ours, measure), measure.unit)
        yield measure.title, own, *chain.from_iterable(beside)


def _cell_text(cell: Cell | BenchmarkError | None, unit: str) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, BenchmarkError):
        return cell.short
    middle = f"{number_text(cell.middle)} {unit}".replace(" /s", "/s")
    if cell.rounds == 1:
        return middle
    return f"{middle} ({number_text(cell.lowest)} to {number_text(cell.highest)})"
