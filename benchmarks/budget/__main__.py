"""`python -m benchmarks.budget`: where the service's microseconds go, and the floors of its parts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.budget.floor_rows import measure_floors
from benchmarks.budget.tables import cost_lines, floor_lines
from benchmarks.budget.work import measure
from benchmarks.errors import BenchmarkError
from benchmarks.grid import markdown, show
from benchmarks.marks import Marks
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
    try:
        costs = measure(seconds, lambda what: messages.print(what, style="dim"))
        floors = measure_floors(
            costs,
            items=items,
            load_seconds=seconds,
            progress=lambda what: messages.print(what, style="dim"),
        )
    except BenchmarkError as error:
        messages.print(str(error), style="yellow", highlight=False)
        raise typer.Exit(1) from None
    tables = [cost_lines(costs), floor_lines(floors, costs)]
    caption = f"{seconds} s of each load, each batch once, on {machine()}."
    for lines in tables:
        show(Console(), lines)
    print(caption)
    if out is not None:
        MARKS.write(out, "\n\n".join([*map(markdown, tables), f"{caption}\n"]))


if __name__ == "__main__":
    typer.run(main)
