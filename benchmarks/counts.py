"""Counts by the search, which comes behind what is written."""

import time
from typing import Any

import httpx

from benchmarks.errors import MeasureError
from benchmarks.system import System

COUNT = "/v3/analyze/profiles/count"
_POLL_SECONDS = 0.5


def count_profiles(client: httpx.Client, filters: dict[str, Any]) -> int | None:
    """None while the search index is not there yet."""
    answer = client.post(COUNT, json=filters)
    if answer.status_code == 503:
        return None
    return answer.raise_for_status().json()["count"]


def wait_until_counted(system: System, count: int, *, seconds: float) -> None:
    """Until a count finds so many. Raises MeasureError when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    with system.client() as client:
        while count_profiles(client, {}) != count:
            if time.monotonic() > deadline:
                raise MeasureError(f"not all {count:,} profiles are counted after {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)
