"""`python -m benchmarks`: profilelog and its PostgreSQL twin, measured side by side."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.growth import figures, plots
from benchmarks.plan import NAMES, QUICK, Plan, Scale, make_plan
from benchmarks.results import Results
from benchmarks.rounds import Contender, run
from benchmarks.service import Profilelog
from benchmarks.table import MARKS, Report, machine
from benchmarks.twin.postgres import installed_version
from benchmarks.twin.system import TWIN, PostgresTwin

SMALLEST_GROWTH = 1_000


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
    growth: Annotated[
        str | None,
        typer.Option(help="How many profiles the growth has at each size, such as 10000,100000."),
    ] = None,
    plots_into: Annotated[
        Path | None,
        typer.Option("--plots", file_okay=False, help="Write the growth's plots into this folder."),
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
    if plots_into is not None and only and "growth" not in only:
        raise typer.BadParameter("--plots needs the growth: add --only growth")
    if out is not None:
        try:
            MARKS.check(out)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    scale = _scale(quick, rounds, seconds, growth, twin_fsync)
    plan = make_plan(scale, only or ())
    contenders = _contenders(twin_fsync, twin_processes)
    messages = Console(stderr=True)
    results = run(plan, contenders, progress=lambda what: messages.print(what, style="dim"))
    caption = _caption(plan, _setting(scale))
    twins = [name for name in contenders if name != Profilelog.name]
    report = Report(results, plan.sections(twins), Profilelog.name, caption)
    report.show(Console())
    if out is not None:
        MARKS.write(out, report.markdown())
    if plots_into is not None:
        _write_plots(plots_into, results, scale)
    for failure in results.failures():
        messages.print(failure, style="yellow", highlight=False)


def _scale(
    quick: bool, rounds: int | None, seconds: int | None, growth: str | None, twin_fsync: bool
) -> Scale:
    scale = QUICK if quick else Scale()
    return dataclasses.replace(
        scale,
        rounds=rounds or scale.rounds,
        load_seconds=seconds or scale.load_seconds,
        growth_sizes=scale.growth_sizes if growth is None else _sizes(growth),
        twin_fsync=twin_fsync,
    )


def _sizes(growth: str) -> list[int]:
    """The sizes, ascending. Raises BadParameter."""
    try:
        sizes = sorted({int(size) for size in growth.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < SMALLEST_GROWTH:
        raise typer.BadParameter(
            f"{growth}: it is whole numbers from {SMALLEST_GROWTH:,}, joined by commas"
        )
    return sizes


def _contenders(fsync: bool, processes: int) -> dict[str, Contender]:
    contenders = {
        Profilelog.name: Contender(Profilelog),
        TWIN: Contender(lambda: PostgresTwin(fsync=fsync)),
    }
    if processes > 1:
        make = lambda: PostgresTwin(fsync=fsync, processes=processes)  # noqa: E731
        contenders[make().name] = Contender(make, only_scaling=True)
    return contenders


def _write_plots(folder: Path, results: Results, scale: Scale) -> None:
    setting = f"Each size once, {_setting(scale)}."
    growth = figures.collect(results, scale.growth_sizes, (Profilelog.name, TWIN), setting)
    figures.write(folder, growth)
    plots.draw(folder, growth)


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
