"""The figures of a growth, kept in a file, so that its plots can be drawn again without measuring."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.growth.quantities import QUANTITIES
from benchmarks.measures import Measure
from benchmarks.results import Cell, Results

FILE = "growth.json"


class GrowthFigures(msgspec.Struct, frozen=True):
    """By quantity's name and system: a figure for each of `sizes` (profiles), None where there is none."""

    sizes: list[int]
    setting: str
    figures: dict[str, dict[str, list[float | None]]]


def collect(
    results: Results, sizes: Sequence[int], systems: Sequence[str], setting: str
) -> GrowthFigures:
    """What was measured of the systems."""
    figures: dict[str, dict[str, list[float | None]]] = {
        quantity.name: {
            system: [_figure(results, system, quantity.measure(size)) for size in sizes]
            for system in systems
        }
        for quantity in QUANTITIES
    }
    return GrowthFigures(list(sizes), setting, figures)


def write(folder: Path, growth: GrowthFigures) -> None:
    """As `growth.json` in the folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(growth)) + b"\n")


def read(folder: Path) -> GrowthFigures:
    return msgspec.json.decode((folder / FILE).read_bytes(), type=GrowthFigures)


def _figure(results: Results, system: str, measure: Measure) -> float | None:
    cell = results.cell(system, measure)
    return cell.middle if isinstance(cell, Cell) else None
