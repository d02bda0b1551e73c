"""The run: the systems in turn, A B A B …, each time from an empty folder, never both at once."""

import os
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.errors import BenchmarkError, MeasureError, NotInstalledError, StartError
from benchmarks.fold import fold_in_process
from benchmarks.measures import GROUPS, Group, Measure, Round
from benchmarks.replay import replay_in_process
from benchmarks.results import Results
from benchmarks.search import (
    Answers,
    answer_measures,
    search_in_process,
    search_measures,
    twin_search_in_process,
)
from benchmarks.service import Profilelog
from benchmarks.system import System
from benchmarks.twin.system import PostgresTwin

FOLD = "fold"
REPLAY = "replay"
SEARCH = "search"
NAMES = (*(group.name for group in GROUPS), FOLD, REPLAY, SEARCH)

Systems = Mapping[str, Callable[[], System]]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured, and what of it: `only` names groups, none of them means all."""

    rounds: int
    load_seconds: int
    fold_count: int
    search_count: int
    only: Collection[str] = ()

    @property
    def groups(self) -> list[Group]:
        return [group for group in GROUPS if not self.only or group.name in self.only]

    @property
    def fold_measures(self) -> list[Measure]:
        if self.only and FOLD not in self.only:
            return []
        rebuild = f"rebuild of {self.fold_count:,} events on one core"
        return [Measure(f"{rebuild}: folded", "/s"), Measure(f"{rebuild}: CPU", "s")]

    @property
    def replay_measures(self) -> list[Measure]:
        if self.only and REPLAY not in self.only:
            return []
        count = f"{self.fold_count:,} events"
        return [
            Measure(f"replay of {count}, one core for all of it", "/s"),
            Measure(f"audit of {count}, one core for all of it", "/s"),
            Measure(f"audit of {count}, RocksDB's own threads on another core", "/s"),
        ]

    @property
    def search_measures(self) -> list[Measure]:
        if self.only and SEARCH not in self.only:
            return []
        return search_measures(self.search_count)

    @property
    def group_measures(self) -> list[Measure]:
        return [measure for group in self.groups for measure in group.measures]

    @property
    def measures(self) -> list[Measure]:
        """The rows, in the order of the table."""
        return [
            *self.group_measures,
            *self.fold_measures,
            *self.replay_measures,
            *self.search_measures,
        ]


def run(plan: Plan, systems: Systems, progress: Progress) -> Results:
    """Measure everything that the plan wants. What fails is a result too."""
    results = Results()
    startable = dict(systems)
    for number in range(1, plan.rounds + 1):
        at = f"round {number} of {plan.rounds}"
        if plan.groups:
            for name, make in list(startable.items()):
                try:
                    _run_round(plan, make(), results, progress, at)
                except (StartError, NotInstalledError) as error:
                    del startable[name]  # it would not start in the next round either
                    results.fail(name, plan.group_measures, error)
    if plan.fold_measures:  # once: it takes as long as a round, and waits for no disk or socket
        progress(f"{Profilelog.name}, {FOLD}")
        _fold(plan, results)
    if plan.replay_measures:
        progress(f"{Profilelog.name}, {REPLAY}")
        _replay(plan, results)
    if plan.search_measures:
        progress(f"{Profilelog.name}, {SEARCH}")
        ours = _search(plan, results)
        progress(f"{PostgresTwin.name}, {SEARCH}")
        _search_twin(plan, results, ours)
    return results


def _run_round(plan: Plan, system: System, results: Results, progress: Progress, at: str) -> None:
    """Raises StartError or NotInstalledError when there is nothing to measure."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder, system:
        os.sync()  # what the system before left unwritten is not for this one to wait for
        progress(f"{at}: {system.name}, start")
        began = time.perf_counter()
        system.start(Path(folder))
        this = Round(system, Path(folder), time.perf_counter() - began, plan.load_seconds)
        for group in plan.groups:
            progress(f"{at}: {system.name}, {group.name}")
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


def _fold(plan: Plan, results: Results) -> None:
    rate, cpu = plan.fold_measures
    try:
        folded = fold_in_process(plan.fold_count)
    except BenchmarkError as error:
        results.fail(Profilelog.name, plan.fold_measures, error)
    else:
        results.add(Profilelog.name, rate, folded.rate)
        results.add(Profilelog.name, cpu, folded.cpu_seconds)


def _replay(plan: Plan, results: Results) -> None:
    try:
        rates = replay_in_process(plan.fold_count)
    except BenchmarkError as error:
        results.fail(Profilelog.name, plan.replay_measures, error)
    else:
        for measure, rate in zip(plan.replay_measures, rates, strict=True):
            results.add(Profilelog.name, measure, rate)


def _search(plan: Plan, results: Results) -> Answers | None:
    try:
        found = search_in_process(plan.search_count)
    except BenchmarkError as error:
        results.fail(Profilelog.name, plan.search_measures, error)
        return None
    for measure, figure in zip(plan.search_measures, found.figures(), strict=True):
        results.add(Profilelog.name, measure, figure)
    return found.answers


def _search_twin(plan: Plan, results: Results, ours: Answers | None) -> None:
    measures = answer_measures(plan.search_count)
    try:
        found = twin_search_in_process(plan.search_count)
        if ours is not None:
            found.check_alike(ours)
    except BenchmarkError as error:
        results.fail(PostgresTwin.name, measures, error)
    else:
        for measure, figure in zip(measures, found.figures(), strict=True):
            results.add(PostgresTwin.name, measure, figure)
