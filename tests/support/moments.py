"""Moments between two writes."""

import time

import httpx

from tests.support.service import eventually


def moment_after(answer: httpx.Response) -> str:
    """The time of the write that was answered, once the clock has passed it."""
    assert answer.is_success, answer.text
    until = time.time_ns() // 1_000_000
    eventually(lambda: time.time_ns() // 1_000_000 > until)
    seconds, ms = divmod(until, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{ms:03d}Z"
