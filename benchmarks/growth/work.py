"""What is done to a system at one size, from an empty folder."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from benchmarks import seeds
from benchmarks.batches import send_batch
from benchmarks.counts import count_profiles, wait_until_counted
from benchmarks.errors import MeasureError
from benchmarks.groups import Group
from benchmarks.growth.quantities import QUANTITIES
from benchmarks.load import Script, run_wrk, write_users
from benchmarks.measures import Figure
from benchmarks.processes import wait_until_at_rest
from benchmarks.round import LOADED_USERS, Round
from benchmarks.system import System

PAGE = "/v3/analyze/profiles"
CONNECTIONS = 16
REPEATS = 15
REST_SECONDS = 1800
_WARM_UP_SECONDS = 1

_GOLD = {"filters": [{"kind": "property", "prop": "plan", "op": "eq", "value": "gold"}]}


def growth_group(size: int) -> Group:
    """A system of its own for each size."""
    measures = tuple(quantity.measure(size) for quantity in QUANTITIES)
    return Group(f"growth to {size:,}", measures, partial(_grow, size), alone=True)


def _grow(size: int, this: Round) -> Iterator[Figure]:
    """One figure for each of `QUANTITIES`, in their order."""
    system, users = this.system, this.folder / "growth.txt"
    yield 1_000_000 * _fill(system, size, users) / size
    wait_until_counted(system, size, seconds=REST_SECONDS)
    wait_until_at_rest(os.getpid(), seconds=REST_SECONDS)
    memory, disk = system.memory(), system.disk(this.folder)
    yield memory.service
    yield memory.store
    yield disk.state
    yield disk.log
    with system.client() as client:
        # Before the upserts, which give users another plan.
        yield _median_ms(partial(count_profiles, client, _GOLD))
        yield _median_ms(partial(_page, client))
    for script in (Script.READ, Script.UPSERT):
        _load(this, script, users, _WARM_UP_SECONDS)
        yield _load(this, script, users, this.load_seconds)
    yield this.restart()


def _fill(system: System, size: int, users: Path) -> float:
    """Seconds until all batches were readable, sent one after the other; a share of their users is in the file."""
    seconds = 0.0
    chosen: list[str] = []
    for number, start in enumerate(range(0, size, seeds.GROWTH_COUNT)):
        count = min(seeds.GROWTH_COUNT, size - start)
        uids = seeds.growth_uids(number, count)
        times = send_batch(system, seeds.growth_batch(number, count), last_uid=uids[-1])
        seconds += times.readable
        chosen += uids[:: -(-size // LOADED_USERS)]
    write_users(users, chosen)
    return seconds


def _page(client: httpx.Client) -> None:
    answer = client.post(PAGE, json={**_GOLD, "limit": 50})
    if len(answer.raise_for_status().json()["profiles"]) != 50:
        raise MeasureError("the page is not full")


def _median_ms(ask: Callable[[], object]) -> float:
    """Milliseconds, the median of 15 times one after the other; once before, which does not count."""
    ask()
    took: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def _load(this: Round, script: Script, users: Path, seconds: int) -> float:
    return run_wrk(this.system, script, users, connections=CONNECTIONS, seconds=seconds).rate
