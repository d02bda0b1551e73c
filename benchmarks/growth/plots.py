# pyright: reportUnknownMemberType=false
# matplotlib is annotated in part.
"""Plots of a growth as SVG files: the same figures give the same bytes.

Run: python -m benchmarks.growth.plots FOLDER, to draw those of its `growth.json` again.
"""

import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from benchmarks.growth.figures import GrowthFigures, read
from benchmarks.growth.quantities import QUANTITIES, Quantity

INCHES = (6.4, 4.0)
# Each can be told from a white page and from a black one, and from the other without its colour.
GREY = "#808080"
LINES = (("#2f81f7", "o", "-"), ("#d9822b", "s", "--"))
STYLE: Mapping[str, Any] = {
    "svg.hashsalt": "profilelog",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": GREY,
    "grid.alpha": 0.3,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# Neither a date nor the version of the library: only a figure changes a file.
METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
UNITS = {
    "us": "microseconds",
    "ms": "milliseconds",
    "s": "seconds",
    "/s": "requests a second",
    "MiB": "MiB",
}


def draw(folder: Path, growth: GrowthFigures) -> None:
    """A plot of each quantity, `growth-<name>.svg` in the folder."""
    for quantity in QUANTITIES:
        path = folder / f"growth-{quantity.name}.svg"
        with style.context(dict(STYLE), after_reset=True):  # whatever the machine's settings are
            figure = _plot(quantity, growth)
            figure.savefig(path, format="svg", transparent=True, metadata=dict(METADATA))


def _plot(quantity: Quantity, growth: GrowthFigures) -> Figure:
    figure = Figure(figsize=INCHES, layout="tight")
    axes = figure.add_subplot()
    systems = growth.figures[quantity.name]
    for (color, marker, line), (system, figures) in zip(LINES, systems.items(), strict=True):
        drawn = [math.nan if each is None else each for each in figures]
        axes.plot(growth.sizes, drawn, color=color, marker=marker, ls=line, label=system)
    axes.set_title(quantity.title)
    axes.set_xlabel("profiles")
    axes.set_ylabel(UNITS[quantity.unit])
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(growth.sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    if quantity.spread:
        axes.set_yscale("log")
        axes.set_ylim(*_decades(systems.values()))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.legend(frameon=False)
    return figure


def _decades(all_figures: Iterable[list[float | None]]) -> tuple[float, float]:
    """Powers of ten around all figures, so that the axis has two labels at least."""
    logs = [math.log10(each) for figures in all_figures for each in figures if each]
    if not logs:
        return 1, 10
    first = math.floor(min(logs))
    return 10.0**first, 10.0 ** max(first + 1, math.ceil(max(logs)))


def _thousands(value: float, _: int | None) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


if __name__ == "__main__":
    into = Path(sys.argv[1])
    draw(into, read(into))
