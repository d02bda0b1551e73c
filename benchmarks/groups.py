"""The rows of the table, in groups: a group is one piece of work and the figures it shows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks import seeds
from benchmarks.batches import leave_batch, send_batch
from benchmarks.consumers import EVENTS, history_page, stream_delay
from benchmarks.erasure import (
    IDLE_SECONDS,
    MANY,
    erase_many,
    erase_one,
    idle_cpu,
    wait_until_searchable,
)
from benchmarks.errors import BenchmarkError, NothingAlikeError
from benchmarks.load import Script
from benchmarks.measures import Figure, Measure
from benchmarks.paced_reads import READS_PER_SECOND, read_during
from benchmarks.round import Round
from benchmarks.service import Profilelog

CONNECTIONS = (1, 16, 64)
# Behind batches profilelog answers a write when the events before it are folded: after some seconds.
WRITING_SECONDS = 15


@dataclass(frozen=True)
class Group:
    """`figures` gives one for each of `measures`, in their order, or raises why it cannot.

    `scales` says that more processes of the service may do better. A group that is `alone` gets a system of its own:
    what it leaves there would be in the figures of the others.
    """

    name: str
    measures: tuple[Measure, ...]
    figures: Callable[[Round], Iterator[Figure]]
    scales: bool = False
    alone: bool = False


def measures_of(groups: Iterable[Group]) -> list[Measure]:
    """The rows of the groups, in their order."""
    return [measure for group in groups for measure in group.measures]


def _start(this: Round) -> Iterator[Figure]:
    yield this.startup_seconds


def _small_batch(this: Round) -> Iterator[Figure]:
    times = this.first_batch()
    yield times.answered
    yield times.readable


def _memory(this: Round) -> Iterator[Figure]:
    this.first_batch()
    memory = this.system.memory()
    yield memory.service
    yield memory.service_peak
    yield memory.store


def _large_batch(this: Round) -> Iterator[Figure]:
    times = send_batch(this.system, seeds.large_batch(), last_uid=seeds.large_uids()[-1])
    yield times.answered
    yield times.readable


def _at_rest(script: Script, this: Round) -> Iterator[Figure]:
    this.settle()
    this.warm_up(script)
    for connections in CONNECTIONS:
        try:
            yield this.load(script, connections).rate
        except BenchmarkError as error:  # which says nothing of the next
            yield error


def _behind_batches(script: Script, this: Round) -> Iterator[Figure]:
    """Each load begins when the second batch is answered; with writes it goes on for longer than that holds them up."""
    at_least = 0 if script is Script.READ else WRITING_SECONDS
    for position, connections in enumerate(CONNECTIONS):
        this.settle()
        bodies = [seeds.small_batch(series=10 + 2 * position + n) for n in (0, 1)]
        for body in bodies:
            leave_batch(this.system, body)
        try:
            load = this.load(script, connections, at_least=at_least)
        except BenchmarkError as error:  # which says nothing of the next
            yield from (error, error)
        else:
            yield load.rate
            yield load.slowest / 1000


def _emails(this: Round) -> Iterator[Figure]:
    this.settle()
    this.warm_up(Script.EMAIL)
    yield this.load(Script.EMAIL, 1).median
    yield this.load(Script.EMAIL, 64).rate
    yield this.load(Script.CONTESTED_EMAIL, 64).rate


def _busy_reads(this: Round) -> Iterator[Figure]:
    user = this.a_user()
    body, last_uid = seeds.small_batch(series=1), seeds.small_uids(series=1)[-1]
    latencies = read_during(
        this.system, user, lambda: send_batch(this.system, body, last_uid=last_uid)
    )
    yield latencies.percentile(99)
    yield latencies.percentile(100)


def _erasure(this: Round) -> Iterator[Figure]:
    if not isinstance(this.system, Profilelog):
        raise NothingAlikeError("it deletes rows, and proves nothing of what is left in its files")
    system, users = this.system, this.other_users(MANY + 2)
    one, reader, many = users[0], users[1], users[2:]
    wait_until_searchable(system)
    idle = idle_cpu(system.pid)
    seconds: list[float] = []
    for erase in (lambda: erase_one(system, one), lambda: erase_many(system, many)):
        beside = read_during(system, reader, lambda: seconds.append(erase()), writes=True)  # noqa: B023
        yield seconds[-1]
        yield beside.percentile(99)
    yield idle


def _consumers(this: Round) -> Iterator[Figure]:
    if not isinstance(this.system, Profilelog):
        raise NothingAlikeError("it publishes nothing")
    this.settle()
    watched, long = this.other_users(MANY + 4)[-2:]
    yield stream_delay(this.system, watched)
    yield history_page(this.system, long)


def _restart(this: Round) -> Iterator[Figure]:
    this.first_batch()
    yield this.restart()


def _batch_measures(count: int) -> tuple[Measure, Measure]:
    batch = f"batch of {count:,}"
    return Measure(f"{batch}: answered", "s"), Measure(f"{batch}: all of it readable", "s")


def _load_groups() -> Iterator[Group]:
    """Each load at rest, and right behind batches."""
    behind = f"right behind two batches of {seeds.SMALL_COUNT:,}"
    loads = {
        "upserts": (Script.UPSERT, "single upserts"),
        "reads": (Script.READ, "reads by uid"),
        "mixed": (Script.MIXED, "reads and upserts by turns"),
    }
    for name, (script, what) in loads.items():
        figures = partial(_at_rest, script)
        yield Group(name, _rate_measures(what), figures, scales=True)
    for name, (script, what) in loads.items():
        rates, figures = _rate_measures(f"{what} {behind}"), partial(_behind_batches, script)
        measures = [
            each for rate in rates for each in (rate, Measure(f"{rate.title}: slowest answer", "s"))
        ]
        yield Group(f"{name}-behind-batches", tuple(measures), figures, scales=True, alone=True)


def _rate_measures(what: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(f"{what}, {count} connection{'s' * (count > 1)}", "/s") for count in CONNECTIONS
    )


_MEANWHILE = f"{READS_PER_SECOND} reads and upserts/s beside the purge"
_BESIDE = f"{READS_PER_SECOND} reads/s beside a batch of {seeds.SMALL_COUNT:,}"

GROUPS = (
    Group("start", (Measure("start on an empty folder, until ready", "s"),), _start),
    Group("batch-265000", _batch_measures(seeds.SMALL_COUNT), _small_batch),
    Group(
        "memory",
        (
            Measure(f"memory of the service after the batch of {seeds.SMALL_COUNT:,}", "MiB"),
            Measure("memory of the service, the most until then", "MiB"),
            Measure("memory of Kafka / of PostgreSQL then", "MiB"),
        ),
        _memory,
    ),
    Group("batch-62000", _batch_measures(seeds.LARGE_COUNT), _large_batch),
    *_load_groups(),
    Group(
        "emails",
        (
            Measure("upsert that changes the email, 1 connection: median", "ms"),
            Measure("upserts that change the email, 64 connections", "/s"),
            Measure("the same, one in ten to an email that many want, 64 connections", "/s"),
        ),
        _emails,
        scales=True,
    ),
    Group(
        "consumers",
        (
            Measure("a change on a stream, after the answer to its write: median", "ms"),
            Measure(f"first page of a history of {EVENTS:,} events", "ms"),
        ),
        _consumers,
    ),
    Group(
        "busy-reads",
        (Measure(f"{_BESIDE}: 99th percentile", "ms"), Measure(f"{_BESIDE}: slowest", "ms")),
        _busy_reads,
        scales=True,
    ),
    Group(
        "erasure",
        (
            Measure(f"forget of one of {seeds.SMALL_COUNT:,}: until purged", "s"),
            Measure(f"{_MEANWHILE}: 99th percentile", "ms"),
            Measure(f"forget of {MANY:,} in one CSV: until purged", "s"),
            Measure(f"{_MEANWHILE} of the CSV: 99th percentile", "ms"),
            Measure(f"CPU of the service in {IDLE_SECONDS} s with nothing to purge", "s"),
        ),
        _erasure,
    ),
    # The last, for what follows would be measured on a service that was just started.
    Group(
        "restart",
        (Measure("start again after kill -9 of everything, until ready", "s"),),
        _restart,
    ),
)
