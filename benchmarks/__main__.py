"""`python -m benchmarks`: profilelog and its PostgreSQL twin, measured side by side."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.plan import NAMES, QUICK, Plan, Scale, make_plan
from benchmarks.rounds import Contender, run
from benchmarks.service import Profilelog
from benchmarks.table import Report, check_marks, machine, write_between_marks
from benchmarks.twin.postgres import installed_version
from benchmarks.twin.system import TWIN, PostgresTwin


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
    twin_processes: Annotated[
        int,
        typer.Option(min=1, help="Processes of the second twin's service; with 1 there is none."),
    ] = 2,
    twin_fsync: Annotated[
        bool, typer.Option(help="The twin's fsync; without it, it is as durable as Kafka is here.")
    ] = True,
) -> None:
    """Measure profilelog and its PostgreSQL twins in turn and print the tables."""
    if unknown := set(only or ()) - set(NAMES):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: it is one of {', '.join(NAMES)}")
    if out is not None:
        try:
            check_marks(out)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    scale = _scale(quick, rounds, seconds, twin_fsync)
    plan = make_plan(scale, only or ())
    contenders = _contenders(twin_fsync, twin_processes)
    messages = Console(stderr=True)
    results = run(plan, contenders, progress=lambda what: messages.print(what, style="dim"))
    caption = _caption(plan, _setting(scale))
    twins = [name for name in contenders if name != Profilelog.name]
    report = Report(results, plan.sections(twins), Profilelog.name, caption)
    report.show(Console())
    if out is not None:
        write_between_marks(out, report.markdown())
    for failure in results.failures():
        messages.print(failure, style="yellow", highlight=False)


def _scale(quick: bool, rounds: int | None, seconds: int | None, twin_fsync: bool) -> Scale:
    scale = QUICK if quick else Scale()
    return dataclasses.replace(
        scale,
        rounds=rounds or scale.rounds,
        load_seconds=seconds or scale.load_seconds,
        twin_fsync=twin_fsync,
    )


def _contenders(fsync: bool, processes: int) -> dict[str, Contender]:
    contenders = {
        Profilelog.name: Contender(Profilelog),
        TWIN: Contender(lambda: PostgresTwin(fsync=fsync)),
    }
    if processes > 1:
        make = lambda: PostgresTwin(fsync=fsync, processes=processes)  # noqa: E731
        contenders[make().name] = Contender(make, only_scaling=True)
    return contenders


def _caption(plan: Plan, setting: str) -> str:
    rounds = "One round" if plan.rounds == 1 else f"Medians of {plan.rounds} rounds"
    return (
        f"{rounds}, {setting}. "
        "In brackets the lowest and highest; ratio: how many times better profilelog does."
    )


def _setting(scale: Scale) -> str:
    twin = installed_version() or "no PostgreSQL"
    if not scale.twin_fsync:
        twin += " with fsync=off"
    return f"{scale.load_seconds} s of each load, on {machine()}, {twin}"


if __name__ == "__main__":
    typer.run(main)
