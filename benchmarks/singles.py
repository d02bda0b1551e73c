"""What is measured once, in processes of its own, and not in each round: it takes as long as a round."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError
from benchmarks.fold import fold_in_process
from benchmarks.measures import Figure, Measure
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
from benchmarks.stages import Progress
from benchmarks.stock_faust import NAME as STOCK_FAUST
from benchmarks.stock_faust import stock_faust_in_process
from benchmarks.twin.system import TWIN


@dataclass(frozen=True)
class Single:
    """`run` adds the figures of `measures` to the results.

    `opponents` names whom profilelog is compared with in a table of this one's own; without any its rows stand
    in the table of the rounds.
    """

    measures: Sequence[Measure]
    run: Callable[[Results, Progress], None]
    opponents: Sequence[str] = ()


def fold(count: int) -> Single:
    """The rebuild of `count` events."""
    rebuild = f"rebuild of {count:,} events on one core"
    measures = [Measure(f"{rebuild}: folded", "/s"), Measure(f"{rebuild}: CPU", "s")]

    def figures() -> Iterator[Figure]:
        folded = fold_in_process(count)
        yield folded.rate
        yield folded.cpu_seconds

    return _ours("fold", measures, figures)


def replay(count: int) -> Single:
    """`profilelog replay` and `profilelog audit` of a log of `count` events."""
    log = f"{count:,} events"
    measures = [
        Measure(f"replay of {log}, one core for all of it", "/s"),
        Measure(f"audit of {log}, one core for all of it", "/s"),
        Measure(f"audit of {log}, RocksDB's own threads on another core", "/s"),
    ]
    return _ours("replay", measures, lambda: iter(replay_in_process(count)))


def stock_faust(count: int) -> Single:
    """The fold of `count` events from Kafka, ours and that of stock Faust."""
    measure = Measure(f"{count:,} events of the rebuild, read from Kafka and folded", "/s")

    def run(results: Results, progress: Progress) -> None:
        progress(f"{Profilelog.name} and {STOCK_FAUST}")
        try:
            found = stock_faust_in_process(count)
        except BenchmarkError as error:
            results.fail(Profilelog.name, [measure], error)
            results.fail(STOCK_FAUST, [measure], error)
        else:
            results.add(Profilelog.name, measure, found.own_fold)
            results.add(STOCK_FAUST, measure, found.stock_faust)

    return Single([measure], run, opponents=[STOCK_FAUST])


def search(count: int) -> Single:
    """The search index of `count` profiles, and the same questions to PostgreSQL."""

    def run(results: Results, progress: Progress) -> None:
        progress(f"{Profilelog.name}, search")
        ours = _search(count, results)
        progress(f"{TWIN}, search")
        _search_twin(count, results, ours)

    return Single(search_measures(count), run)


def _ours(
    name: str, measures: Sequence[Measure], figures: Callable[[], Iterator[Figure]]
) -> Single:
    """What the twin has nothing like."""

    def run(results: Results, progress: Progress) -> None:
        progress(f"{Profilelog.name}, {name}")
        try:
            found = list(figures())
        except BenchmarkError as error:
            results.fail(Profilelog.name, measures, error)
        else:
            for measure, figure in zip(measures, found, strict=True):
                results.add(Profilelog.name, measure, figure)

    return Single(measures, run)


def _search(count: int, results: Results) -> Answers | None:
    measures = search_measures(count)
    try:
        found = search_in_process(count)
    except BenchmarkError as error:
        results.fail(Profilelog.name, measures, error)
        return None
    for measure, figure in zip(measures, found.figures(), strict=True):
        results.add(Profilelog.name, measure, figure)
    return found.answers


def _search_twin(count: int, results: Results, ours: Answers | None) -> None:
    measures = answer_measures(count)
    try:
        found = twin_search_in_process(count)
        if ours is not None:
            found.check_alike(ours)
    except BenchmarkError as error:
        results.fail(TWIN, measures, error)
    else:
        for measure, figure in zip(measures, found.figures(), strict=True):
            results.add(TWIN, measure, figure)
