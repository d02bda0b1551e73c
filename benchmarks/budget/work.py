"""The rows of the budget: requests that are sent one by one, and batches until three moments."""

import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import seeds
from benchmarks.batches import leave_batch, send_batch
from benchmarks.budget.cores import bind
from benchmarks.budget.costs import Cost, cost_of
from benchmarks.counts import wait_until_counted
from benchmarks.load import Script
from benchmarks.processes import wait_until_at_rest
from benchmarks.round import REST_SECONDS, Round
from benchmarks.service import Profilelog
from benchmarks.stages import Progress

CONNECTIONS: Final = (1, 64)
LOADS: Final = {
    Script.UPSERT: "upsert",
    Script.EMAIL: "upsert with a new email",
    Script.READ: "read",
    Script.HEALTH: "`GET /health`",
}


class Until(StrEnum):
    """Moments in the life of a batch, from the first byte of its request on."""

    ANSWERED = "answered"
    APPLIED = "applied"
    COUNTED = "counted by searches"


class Batch(NamedTuple):
    """Makes batches of `size` profiles and their users' uids; another series has other users."""

    size: int
    body: Callable[[int], bytes]
    uids: Callable[[int], Sequence[str]]


BATCHES: Final = (
    Batch(seeds.SMALL_COUNT, seeds.small_batch, seeds.small_uids),
    Batch(seeds.LARGE_COUNT, seeds.large_batch, seeds.large_uids),
)


class _Sent(NamedTuple):
    """A batch of `size` profiles, behind which the system has `total`."""

    body: bytes
    last_uid: str
    size: int
    total: int


Costs = dict[str, Cost]
"""By the title of a row."""


def load_title(script: Script, connections: int) -> str:
    return f"{LOADS[script]}, {connections_text(connections)}"


def connections_text(count: int) -> str:
    return f"{count} connection{'s' * (count > 1)}"


def batch_title(size: int, until: Until) -> str:
    return f"batch of {size:,}, until {until}"


def measure(load_seconds: int, core: int, progress: Progress) -> Costs:
    """All rows, with the service alone on the core. Raises BenchmarkError.

    The single requests have a system of their own, and each kind of batch.
    """
    with _started(load_seconds, core) as this:
        costs = dict(_loads(this, progress))
    for batch in BATCHES:
        with _started(load_seconds, core) as this:
            costs |= dict(_batch(this, batch, progress))
    return costs


@contextmanager
def _started(load_seconds: int, core: int) -> Generator[Round]:
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder, Profilelog() as system:
        system.start(Path(folder))
        bind(system.pid, {core})
        yield Round(system, Path(folder), 0, load_seconds)


def _loads(this: Round, progress: Progress) -> Iterator[tuple[str, Cost]]:
    """Each at rest, spread over 200,000 of 265,000 users."""
    for script in LOADS:
        this.settle()
        this.warm_up(script)
        for connections in CONNECTIONS:
            title = load_title(script, connections)
            progress(title)
            yield title, _cost(this, partial(_load, this, script, connections))


def _load(this: Round, script: Script, connections: int) -> float:
    return this.load(script, connections).rate * this.load_seconds


def _batch(this: Round, batch: Batch, progress: Progress) -> Iterator[tuple[str, Cost]]:
    """Each moment with a batch of its own, at rest before it: the samples of one cannot be divided by time."""
    for series, until in enumerate(Until, start=1):
        title = batch_title(batch.size, until)
        progress(title)
        sent = _Sent(
            batch.body(series), batch.uids(series)[-1], batch.size, total=batch.size * series
        )
        wait_until_at_rest(os.getpid(), seconds=REST_SECONDS)
        yield title, _cost(this, partial(_send, this, sent, until))


def _send(this: Round, sent: _Sent, until: Until) -> float:
    if until is Until.ANSWERED:
        leave_batch(this.system, sent.body)
    else:
        send_batch(this.system, sent.body, last_uid=sent.last_uid)
    if until is Until.COUNTED:
        wait_until_counted(this.system, sent.total, seconds=REST_SECONDS)
    return sent.size


def _cost(this: Round, work: Callable[[], float]) -> Cost:
    assert isinstance(this.system, Profilelog), "others have no stages"  # for the type checker
    return cost_of(this.system, this.folder, work)
