"""The rows of the table, in groups: a group is one piece of work and the figures it shows."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import seeds
from benchmarks.batches import BatchTimes, leave_batch, send_batch
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
from benchmarks.load import LoadResult, Script, run_wrk, write_users
from benchmarks.paced_reads import READS_PER_SECOND, read_during
from benchmarks.processes import wait_until_at_rest
from benchmarks.service import Profilelog
from benchmarks.system import System

LOADED_USERS = 200_000
WARM_UP_CONNECTIONS = 16
WARM_UP_SECONDS = 1
REST_SECONDS = 240

Figure = float | BenchmarkError


@dataclass(frozen=True)
class Measure:
    """One row. `unit` is what its figures count; a rate is better high, all else better low."""

    title: str
    unit: str

    @property
    def is_rate(self) -> bool:
        return self.unit == "/s"


@dataclass
class Round:
    """One system, freshly started, and what was done to it so far."""

    system: System
    folder: Path
    startup_seconds: float
    load_seconds: int
    _first_batch: BatchTimes | BenchmarkError | None = None
    _uids: list[str] = field(default_factory=seeds.small_uids)

    def first_batch(self) -> BatchTimes:
        """The 265,000 users that the other rows work on; sent once, also when it fails."""
        if self._first_batch is None:
            try:
                body = seeds.small_batch()
                self._first_batch = send_batch(self.system, body, last_uid=self._uids[-1])
            except BenchmarkError as error:
                self._first_batch = error
        if isinstance(self._first_batch, BenchmarkError):
            raise self._first_batch
        return self._first_batch

    def a_user(self) -> str:
        self.first_batch()
        return self._uids[0]

    def other_users(self, count: int) -> list[str]:
        """Users whom no load of the other rows is about."""
        self.first_batch()
        return self._uids[LOADED_USERS : LOADED_USERS + count]

    def users_file(self) -> Path:
        """200,000 of the users, for wrk."""
        self.first_batch()
        path = self.folder / "users.txt"
        if not path.exists():
            write_users(path, self._uids[:LOADED_USERS])
        return path

    def load(self, script: Script, connections: int) -> LoadResult:
        return run_wrk(
            self.system,
            script,
            self.users_file(),
            connections=connections,
            seconds=self.load_seconds,
        )

    def settle(self) -> None:
        """Wait until the system has done what the batches left behind: publishing, indexing, vacuuming."""
        self.first_batch()
        wait_until_at_rest(os.getpid(), seconds=REST_SECONDS)

    def warm_up(self, script: Script) -> None:
        run_wrk(
            self.system,
            script,
            self.users_file(),
            connections=WARM_UP_CONNECTIONS,
            seconds=WARM_UP_SECONDS,
        )


@dataclass(frozen=True)
class Group:
    """`figures` gives one for each of `measures`, in their order, or raises why it cannot."""

    name: str
    measures: tuple[Measure, ...]
    figures: Callable[[Round], Iterator[Figure]]


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


def _upserts(this: Round) -> Iterator[Figure]:
    this.settle()
    this.warm_up(Script.UPSERT)
    yield from _rates(this, Script.UPSERT, 1, 16, 64)


def _reads(this: Round) -> Iterator[Figure]:
    this.settle()
    this.warm_up(Script.READ)
    yield from _rates(this, Script.READ, 1, 16, 64)


def _mixed(this: Round) -> Iterator[Figure]:
    this.settle()
    this.warm_up(Script.MIXED)
    yield from _rates(this, Script.MIXED, 1, 16, 64)


def _upserts_behind_batches(this: Round) -> Iterator[Figure]:
    """Each load begins when the second batch is answered."""
    for position, count in enumerate((1, 16, 64)):
        this.settle()
        bodies = [seeds.small_batch(series=10 + 2 * position + n) for n in (0, 1)]
        for body in bodies:
            leave_batch(this.system, body)
        try:
            yield this.load(Script.UPSERT, count).rate
        except BenchmarkError as error:
            yield error


def _emails(this: Round) -> Iterator[Figure]:
    this.settle()
    this.warm_up(Script.EMAIL)
    yield this.load(Script.EMAIL, 1).median
    yield this.load(Script.EMAIL, 64).rate


def _rates(this: Round, script: Script, *connections: int) -> Iterator[Figure]:
    """A figure each; that one fails says nothing of the next."""
    for count in connections:
        try:
            yield this.load(script, count).rate
        except BenchmarkError as error:
            yield error


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
    this.system.kill()
    began = time.perf_counter()
    this.system.start_again(this.folder)
    yield time.perf_counter() - began


def _batch_measures(count: int) -> tuple[Measure, Measure]:
    batch = f"batch of {count:,}"
    return Measure(f"{batch}: answered", "s"), Measure(f"{batch}: all of it readable", "s")


def _rate_measures(what: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(f"{what}, {count} connection{'s' * (count > 1)}", "/s") for count in (1, 16, 64)
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
    Group("upserts", _rate_measures("single upserts"), _upserts),
    Group("reads", _rate_measures("reads by uid"), _reads),
    Group("mixed", _rate_measures("reads and upserts by turns"), _mixed),
    Group(
        "behind-batches",
        _rate_measures(f"single upserts right behind two batches of {seeds.SMALL_COUNT:,}"),
        _upserts_behind_batches,
    ),
    Group(
        "emails",
        (
            Measure("upsert that changes the email, 1 connection: median", "ms"),
            Measure("upserts that change the email, 64 connections", "/s"),
        ),
        _emails,
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
