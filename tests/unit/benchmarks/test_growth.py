"""What is kept of a growth, and its plots."""

from pathlib import Path
from typing import Final

from benchmarks.errors import MeasureError
from benchmarks.growth.figures import GrowthFigures, collect, read, write
from benchmarks.growth.plots import draw
from benchmarks.growth.quantities import QUANTITIES, growth_measures
from benchmarks.growth.work import growth_group
from benchmarks.results import Results

SIZES: Final = (10_000, 100_000)
SYSTEMS: Final = ("profilelog", "PostgreSQL twin")


def grown() -> GrowthFigures:
    """Each quantity has figures of both systems, but for one that failed."""
    results = Results()
    for number, measure in enumerate(growth_measures(SIZES), start=1):
        results.add(SYSTEMS[0], measure, float(number))
        results.add(SYSTEMS[1], measure, MeasureError("no") if number == 1 else 2.0 * number)
    return collect(results, SIZES, SYSTEMS, "On a machine.")


def plots(folder: Path) -> dict[str, str]:
    folder.mkdir()
    draw(folder, grown())
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_rows_are_those_of_the_groups() -> None:
    measured = [measure for size in SIZES for measure in growth_group(size).measures]

    assert set(growth_measures(SIZES)) == set(measured)
    assert len(measured) == len(set(measured))


def test_what_failed_is_kept_as_none() -> None:
    assert grown().figures["batches"] == {SYSTEMS[0]: [1.0, 2.0], SYSTEMS[1]: [None, 4.0]}


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write(tmp_path / "results", grown())

    assert read(tmp_path / "results") == grown()


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    first, again = plots(tmp_path / "first"), plots(tmp_path / "again")

    assert len(first) == len(QUANTITIES)
    assert first == again
    assert not any("<dc:date>" in plot for plot in first.values())


def test_each_plot_has_both_systems_and_axes_with_units(tmp_path: Path) -> None:
    found = plots(tmp_path / "plots")

    for quantity in QUANTITIES:
        plot = found[f"growth-{quantity.name}.svg"]
        for text in (*SYSTEMS, quantity.title, "profiles", "10,000", "100,000"):
            assert f">{text}</text>" in plot
    assert ">microseconds</text>" in found["growth-batches.svg"]
    assert ">requests a second</text>" in found["growth-reads.svg"]


def test_no_plot_has_a_background(tmp_path: Path) -> None:
    """So that it shows on a white page and on a black one."""
    for plot in plots(tmp_path / "plots").values():
        assert "#ffffff" not in plot
        assert "#000000" not in plot
