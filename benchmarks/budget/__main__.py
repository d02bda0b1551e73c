"""`python -m benchmarks.budget`: where the service's microseconds go, and the floors of its parts."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.budget.cores import bind, divide_cores
from benchmarks.budget.floor_rows import measure_floors
from benchmarks.budget.tables import FloorRow, cost_lines, floor_lines
from benchmarks.budget.work import Costs, measure
from benchmarks.errors import BenchmarkError
from benchmarks.grid import markdown, show
from benchmarks.marks import Marks
from benchmarks.stages import Progress
from benchmarks.table import machine

MARKS = Marks("budget", "python -m benchmarks.budget --out")
_LOAD_SECONDS = 5
_QUICK_LOAD_SECONDS = 2
_ITEMS = 60_000
_QUICK_ITEMS = 10_000


def main(
    quick: Annotated[
        bool, typer.Option("--quick", help="Short loads: a first idea, no figure to quote.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the tables as markdown into this file."),
    ] = None,
) -> None:
    """Measure what a request and a profile cost, by stage, and what the parts cost alone."""
    if out is not None:
        try:
            MARKS.check(out)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    seconds, items = (_QUICK_LOAD_SECONDS, _QUICK_ITEMS) if quick else (_LOAD_SECONDS, _ITEMS)
    messages = Console(stderr=True)
    setting = machine()
    try:
        costs, floors = _measure(
            seconds, items, lambda what: messages.print(what, style="dim", highlight=False)
        )
    except BenchmarkError as error:
        messages.print(str(error), style="yellow", highlight=False)
        raise typer.Exit(1) from None
    tables = [cost_lines(costs), floor_lines(floors, costs)]
    caption = (
        f"{seconds} s of each load, each batch once, the service on one core of its own; {setting}."
    )
    for lines in tables:
        show(Console(), lines)
    print(caption)
    if out is not None:
        MARKS.write(out, "\n\n".join([*map(markdown, tables), f"{caption}\n"]))


def _measure(seconds: int, items: int, progress: Progress) -> tuple[Costs, list[FloorRow]]:
    """Loads take so many seconds, the other parts alone so many items. Raises BenchmarkError."""
    cores = divide_cores()
    bind(os.getpid(), cores.others)
    costs = measure(seconds, cores.measured, progress)
    floors = measure_floors(
        costs, cores.measured, items=items, load_seconds=seconds, progress=progress
    )
    return costs, floors


if __name__ == "__main__":
    typer.run(main)
