"""Forgetting until nothing is left: how long, and what others feel meanwhile."""

import time
from collections.abc import Callable, Sequence

import httpx

from benchmarks.counts import COUNT
from benchmarks.errors import MeasureError
from benchmarks.processes import cpu_seconds
from benchmarks.system import System

FORGET = "/v3/edit/profiles/forget"
MANY = 10_000
IDLE_SECONDS = 10
_PURGED_SECONDS = 300
_POLL_SECONDS = 0.2
_STILL_SECONDS = 5


def erase_one(system: System, uid: str) -> float:
    """Seconds from the request to `purged`."""

    def forget(client: httpx.Client) -> str:
        answer = client.delete(FORGET, params={"uid": uid})
        return answer.raise_for_status().json()["deletion"]["id"]

    return _until_purged(system, forget)


def erase_many(system: System, uids: Sequence[str]) -> float:
    """Seconds from the request, one CSV, until the last of them is `purged`."""

    def forget(client: httpx.Client) -> str:
        body = "\n".join(["uid", *uids])
        answer = client.post(FORGET, content=body, headers={"Content-Type": "text/csv"})
        deletions = answer.raise_for_status().json()["deletions"]
        if len(deletions) != len(uids):
            raise MeasureError(f"{len(deletions):,} of {len(uids):,} were forgotten")
        return deletions[-1]["id"]

    return _until_purged(system, forget)


def wait_until_searchable(system: System) -> None:
    """Wait until the search index has all that was written: until it has stood still for a while."""
    with system.client() as client:
        started = changed = time.perf_counter()
        known = None
        while known is None or time.perf_counter() - changed < _STILL_SECONDS:
            if time.perf_counter() - started > _PURGED_SECONDS:
                raise MeasureError(f"the search index is not in step after {_PURGED_SECONDS} s")
            answer = client.get(COUNT)
            count = answer.json()["count"] if answer.is_success else None
            if count != known:
                known, changed = count, time.perf_counter()
            time.sleep(_POLL_SECONDS)


def idle_cpu(pid: int) -> float:
    """Seconds of CPU that a process takes in ten seconds in which nothing is asked of it."""
    before = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    return cpu_seconds(pid) - before


def _until_purged(system: System, forget: Callable[[httpx.Client], str]) -> float:
    with system.client() as client:
        started = time.perf_counter()
        deletion = forget(client)
        while time.perf_counter() - started < _PURGED_SECONDS:
            # All that waited is purged when nothing is open; the receipt then has to agree.
            if "deletions" not in client.get("/ready").json():
                seconds = time.perf_counter() - started
                receipt = client.get(f"/v3/edit/deletions/{deletion}").json()["deletion"]
                if receipt["status"] != "purged":
                    raise MeasureError(f"nothing is open, but the receipt says {receipt['status']}")
                return seconds
            time.sleep(_POLL_SECONDS)
    raise MeasureError(f"not purged after {_PURGED_SECONDS} s")
