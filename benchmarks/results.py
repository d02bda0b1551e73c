"""Figures of several rounds, and the one that stands in the table: their median."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.errors import BenchmarkError
from benchmarks.measures import Figure, Measure


@dataclass(frozen=True)
class Cell:
    """The median of a measure's figures, and the lowest and highest of them."""

    middle: float
    lowest: float
    highest: float
    rounds: int


class Results:
    """What was measured, by system and measure."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, Measure], list[Figure]] = defaultdict(list)

    def add(self, system: str, measure: Measure, figure: Figure) -> None:
        self._figures[system, measure].append(figure)

    def fail(self, system: str, measures: Iterable[Measure], error: BenchmarkError) -> None:
        for measure in measures:
            self.add(system, measure, error)

    def cell(self, system: str, measure: Measure) -> Cell | BenchmarkError | None:
        """None when it was never tried. One round that failed makes the whole cell a failure."""
        figures = self._figures.get((system, measure), [])
        for figure in figures:
            if isinstance(figure, BenchmarkError):
                return figure
        numbers = [figure for figure in figures if not isinstance(figure, BenchmarkError)]
        if not numbers:
            return None
        return Cell(median(numbers), min(numbers), max(numbers), len(numbers))

    def advantage(self, measure: Measure, ours: str, theirs: str) -> float | None:
        """How many times better `ours` does; below 1 it does worse."""
        mine, other = self.cell(ours, measure), self.cell(theirs, measure)
        if not isinstance(mine, Cell) or not isinstance(other, Cell):
            return None
        if measure.is_rate:
            return mine.middle / other.middle
        return other.middle / mine.middle

    def failures(self) -> list[str]:
        """What kept figures from being measured, each reason once."""
        reasons = {
            f"{system} {figure.short}: {figure}": None
            for (system, _), figures in self._figures.items()
            for figure in figures
            if isinstance(figure, BenchmarkError)
        }
        return list(reasons)
