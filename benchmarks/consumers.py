"""What a consumer of changes and an auditor wait for over HTTP: a change on an open stream, a page of a history."""

import threading
import time
from statistics import median

import httpx

from benchmarks.batches import HOOK, READ, UPSERT
from benchmarks.errors import MeasureError
from benchmarks.system import System

CHANGES = "/v3/observe/changes"
WRITES = 200
EVENTS = 10_000
PAGES = 15
_PAUSE_SECONDS = 0.02
_LATEST_SECONDS = 10


def stream_delay(system: System, uid: str) -> float:
    """Milliseconds from the answer to a write until an open stream shows it: the median of 200 writes, one by one."""
    shown: dict[int, float] = {}
    listening, done = threading.Event(), threading.Event()

    def listen() -> None:
        with system.client() as client, client.stream("GET", CHANGES) as answer:
            for line in answer.iter_lines():
                listening.set()
                if line.startswith("data: ") and '"delay_mark":' in line:
                    number = int(line.partition('"delay_mark":')[2].partition(",")[0].rstrip("}"))
                    shown.setdefault(number, time.perf_counter())
                    if len(shown) == WRITES:
                        break
        done.set()

    threading.Thread(target=listen, daemon=True).start()
    if not listening.wait(_LATEST_SECONDS):
        raise MeasureError("the stream did not open")
    answered: dict[int, float] = {}
    with system.client() as client:
        for number in range(WRITES):
            client.post(UPSERT, json={"uid": uid, "delay_mark": number}).raise_for_status()
            answered[number] = time.perf_counter()
            time.sleep(_PAUSE_SECONDS)
    if not done.wait(_LATEST_SECONDS):
        raise MeasureError(f"{len(shown)} of {WRITES} changes were shown")
    return median(1000 * (shown[number] - answered[number]) for number in range(WRITES))


def history_page(system: System, uid: str) -> float:
    """Milliseconds for the first page of the history of a profile with 10,000 events: the median of 15."""
    with system.client() as client:
        batch = client.post(HOOK, json={"profiles": [{"uid": uid, "n": n} for n in range(EVENTS)]})
        system.wait_until_readable(client, batch.raise_for_status().json()["batch"]["id"])
        id_ = client.get(READ, params={"uid": uid}).raise_for_status().json()["profile"]["id"]
        return median(_page_ms(client, id_) for _ in range(PAGES))


def _page_ms(client: httpx.Client, id_: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/v3/analyze/profiles/{id_}/history").raise_for_status()
    took = 1000 * (time.perf_counter() - began)
    if not answer.json()["events"]:
        raise MeasureError("the page is empty")
    return took
