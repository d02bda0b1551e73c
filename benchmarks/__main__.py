"""`python -m benchmarks`: profilelog and its PostgreSQL twin, measured side by side."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.rounds import NAMES, Plan, run
from benchmarks.service import Profilelog
from benchmarks.table import Report, check_marks, machine, write_between_marks
from benchmarks.twin.postgres import installed_version
from benchmarks.twin.system import PostgresTwin

FULL_FOLD, QUICK_FOLD = 1_000_000, 200_000
FULL_SEARCH, QUICK_SEARCH = 1_000_000, 100_000


def main(
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"Measure only this; may be repeated. One of: {', '.join(NAMES)}."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round: a first idea, no figure to quote.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the table as markdown into this file."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Rounds to take the median of (3, quick: 1).")
    ] = None,
    seconds: Annotated[
        int | None, typer.Option(min=1, help="Seconds of each load by wrk (3, quick: 2).")
    ] = None,
    twin_fsync: Annotated[
        bool, typer.Option(help="The twin's fsync; without it, it is as durable as Kafka is here.")
    ] = True,
) -> None:
    """Measure profilelog and its PostgreSQL twin in turn and print one table."""
    if unknown := set(only or ()) - set(NAMES):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: it is one of {', '.join(NAMES)}")
    if out is not None:
        try:
            check_marks(out)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    plan = Plan(
        rounds=rounds or (1 if quick else 3),
        load_seconds=seconds or (2 if quick else 3),
        fold_count=QUICK_FOLD if quick else FULL_FOLD,
        search_count=QUICK_SEARCH if quick else FULL_SEARCH,
        only=only or (),
    )
    systems = {
        Profilelog.name: Profilelog,
        PostgresTwin.name: lambda: PostgresTwin(fsync=twin_fsync),
    }
    messages = Console(stderr=True)
    results = run(plan, systems, progress=lambda what: messages.print(what, style="dim"))
    report = Report(
        results, plan.measures, Profilelog.name, PostgresTwin.name, _caption(plan, twin_fsync)
    )
    report.show(Console())
    if out is not None:
        write_between_marks(out, report.markdown())
    for failure in results.failures():
        messages.print(failure, style="yellow", highlight=False)


def _caption(plan: Plan, twin_fsync: bool) -> str:
    twin = installed_version() or "no PostgreSQL"
    if not twin_fsync:
        twin += " with fsync=off"
    rounds = "One round" if plan.rounds == 1 else f"Medians of {plan.rounds} rounds"
    return (
        f"{rounds}, {plan.load_seconds} s of each load, on {machine()}, {twin}. "
        "In brackets the lowest and highest; ratio: how many times better profilelog does."
    )


if __name__ == "__main__":
    typer.run(main)
