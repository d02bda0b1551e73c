"""A stage: groups that one system is put through in one go, from an empty folder."""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import httpx

from benchmarks.errors import BenchmarkError, MeasureError
from benchmarks.groups import Group
from benchmarks.results import Results
from benchmarks.round import Round
from benchmarks.system import System

Progress = Callable[[str], None]


def stages(groups: Iterable[Group]) -> list[list[Group]]:
    """The groups that share a system, then each of those that are alone."""
    found = list(groups)
    shared = [group for group in found if not group.alone]
    return [*([shared] if shared else []), *([group] for group in found if group.alone)]


def run_stage(
    groups: Sequence[Group],
    system: System,
    results: Results,
    load_seconds: int,
    progress: Progress,
) -> None:
    """Start the system and measure. Raises StartError or NotInstalledError when there is nothing to measure."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder, system:
        os.sync()  # what the system before left unwritten is not for this one to wait for
        progress(f"{system.name}, start")
        began = time.perf_counter()
        system.start(Path(folder))
        this = Round(system, Path(folder), time.perf_counter() - began, load_seconds)
        for group in groups:
            progress(f"{system.name}, {group.name}")
            _measure(group, this, results)


def _measure(group: Group, this: Round, results: Results) -> None:
    """A figure for each measure; those that a failure leaves without one share its reason."""
    figures = group.figures(this)
    for position, measure in enumerate(group.measures):
        try:
            results.add(this.system.name, measure, next(figures))
        except (BenchmarkError, httpx.HTTPError) as error:
            results.fail(this.system.name, group.measures[position:], _reason(error))
            return


def _reason(error: BenchmarkError | httpx.HTTPError) -> BenchmarkError:
    if isinstance(error, BenchmarkError):
        return error
    return MeasureError(f"{type(error).__name__} {error}".strip())
