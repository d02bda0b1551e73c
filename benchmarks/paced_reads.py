"""Reads at a fixed pace while something else happens: what another client feels meanwhile."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from benchmarks.batches import READ, UPSERT
from benchmarks.errors import MeasureError
from benchmarks.system import System

READS_PER_SECOND = 100
READ_TIMEOUT = 60


@dataclass(frozen=True)
class Latencies:
    """Milliseconds, each from when the read was due."""

    sorted: list[float]

    def percentile(self, percent: float) -> float:
        return self.sorted[math.ceil(len(self.sorted) * percent / 100) - 1]


def read_during(
    system: System, uid: str, work: Callable[[], object], *, writes: bool = False
) -> Latencies:
    """Read `uid` 100 times a second from the start of `work` (run in a thread) to its end.

    With `writes` every other one is an upsert. Each request is sent when it is due, whether the
    one before has been answered or not, so a pause of the service is felt by every request that
    falls into it.
    """
    return asyncio.run(_read_during(system, uid, work, writes))


async def _read_during(
    system: System, uid: str, work: Callable[[], object], writes: bool
) -> Latencies:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=system.url,
        headers=system.headers,
        limits=limits,
        timeout=READ_TIMEOUT,
        trust_env=False,
    ) as client:
        (await client.get(READ, params={"uid": uid})).raise_for_status()  # connected from here on
        reads: list[asyncio.Task[float]] = []
        started = time.perf_counter()
        working = asyncio.create_task(asyncio.to_thread(work))
        while not working.done():
            due = started + len(reads) / READS_PER_SECOND
            await asyncio.sleep(max(0, due - time.perf_counter()))
            ask = _write if writes and len(reads) % 2 else _read
            reads.append(asyncio.create_task(ask(client, uid, due)))
        latencies = await asyncio.gather(*reads)
        await working
    return Latencies(sorted(latencies))


async def _write(client: httpx.AsyncClient, uid: str, due: float) -> float:
    answer = await client.post(UPSERT, json={"uid": uid, "plan": "gold"})
    if not answer.is_success:
        raise MeasureError(f"a write beside the work was answered with {answer.status_code}")
    return (time.perf_counter() - due) * 1000


async def _read(client: httpx.AsyncClient, uid: str, due: float) -> float:
    answer = await client.get(READ, params={"uid": uid})
    if answer.status_code != 200:
        raise MeasureError(f"a read beside the batch was answered with {answer.status_code}")
    return (time.perf_counter() - due) * 1000
