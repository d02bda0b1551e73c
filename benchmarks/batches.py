"""Batches: how long until the answer, how long until all of it can be read."""

import time
from dataclasses import dataclass

import httpx
import msgspec

from benchmarks.errors import MeasureError
from benchmarks.system import System

HOOK = "/v3/observe/hooks/profiles/batch"
UPSERT = "/v3/observe/hooks/profiles"
READ = "/v3/analyze/profile"


@dataclass(frozen=True)
class BatchTimes:
    """Seconds from the first byte sent."""

    answered: float
    readable: float


def send_batch(system: System, body: bytes, *, last_uid: str) -> BatchTimes:
    """Send it, wait until it is readable, and see that its last user really is.

    Raises MeasureError when any item was refused: fewer profiles would be no fair figure.
    """
    try:
        return _send(system, body, last_uid)
    except httpx.HTTPError as error:
        raise MeasureError(f"the batch met {type(error).__name__} {error}".strip()) from error


def leave_batch(system: System, body: bytes) -> None:
    """Send it and wait for the answer alone: what the system still has to do of it goes on."""
    try:
        with system.client() as client:
            _batch_id(_post(client, body))
    except httpx.HTTPError as error:
        raise MeasureError(f"the batch met {type(error).__name__} {error}".strip()) from error


def _post(client: httpx.Client, body: bytes) -> httpx.Response:
    return client.post(HOOK, content=body, headers={"Content-Type": "application/json"})


def _send(system: System, body: bytes, last_uid: str) -> BatchTimes:
    with system.client() as client:
        started = time.perf_counter()
        answer = _post(client, body)
        answered = time.perf_counter() - started
        system.wait_until_readable(client, _batch_id(answer))
        readable = time.perf_counter() - started
        read = client.get(READ, params={"uid": last_uid})
        if read.status_code != 200:
            raise MeasureError(f"the batch's last user reads as {read.status_code}, not 200")
    return BatchTimes(answered, readable)


def _batch_id(answer: httpx.Response) -> str:
    if answer.status_code != 202:
        raise MeasureError(f"the batch was answered with {answer.status_code}, not 202")
    content = msgspec.json.decode(answer.content)
    if errors := content.get("errors"):
        raise MeasureError(f"{len(errors):,} items of the batch were refused")
    return content["batch"]["id"]
