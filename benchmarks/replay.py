"""What an auditor waits for: `profilelog replay` and `profilelog audit` of a log, each bound to one core."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from api.settings import HASH_KEY_FILE
from benchmarks.errors import MeasureError
from benchmarks.fold import REPOSITORY
from benchmarks.log_records import Log, LogRecord, make_log
from schemas.identity import KEY_BYTES, Identity
from streams.appender import Appender
from streams.broker import EmbeddedBroker
from streams.topics import Topics, prepare_topics

CHUNK = 1000
SECONDS = 600


@dataclass(frozen=True)
class ReplayResult:
    """Events per second of the whole command, from its start to its end."""

    replayed: float
    audited: float


def measure_replay(count: int) -> ReplayResult:
    """Write `count` events and the claims that they led to into a log of its own, and have it replayed and audited.

    The state that is audited is the replay's. Raises MeasureError.
    """
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        data = Path(folder) / "data"
        broker = EmbeddedBroker(data)
        try:
            asyncio.run(_write_log(broker, data, count))
            state = str(data / "state")
            replayed = _rate(count, ["replay", "--data", str(data), "--into", state, "--json"])
            audited = _rate(count, ["audit", "--data", str(data), "--json"])
        finally:
            asyncio.run(broker.stop())
    return ReplayResult(replayed, audited)


async def _write_log(broker: EmbeddedBroker, data: Path, count: int) -> None:
    key = secrets.token_bytes(KEY_BYTES)
    data.mkdir(exist_ok=True)
    (data / HASH_KEY_FILE).write_text(f"{key.hex()}\n")
    await broker.start()
    topics, identity = Topics(1), Identity(key, 1)
    await prepare_topics(broker.bootstrap, topics, identity, purge_within=3600, replication=1)
    appender = Appender(broker.bootstrap, timeout=60, max_pending=64 << 20)
    await appender.start()
    log: Log = make_log(identity, count)
    await _append(appender, topics.events, log.events)
    await _append(appender, topics.emails, log.claims)
    await appender.stop()


async def _append(appender: Appender, topic: str, records: Sequence[LogRecord]) -> None:
    for start in range(0, len(records), CHUNK):
        part = [(record.key, record.value) for record in records[start : start + CHUNK]]
        for done in await appender.append_many(topic, 0, part):
            await appender.wait(done)


def _rate(count: int, arguments: Sequence[str]) -> float:
    core = min(os.sched_getaffinity(0))
    began = time.perf_counter()
    done = subprocess.run(  # our own fixed command
        ["taskset", "--cpu-list", str(core), sys.executable, "-m", "api.command_line.main", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise MeasureError(f"{arguments[0]} ended with code {done.returncode}: {last_line}")
    report: dict[str, Any] = msgspec.json.decode(done.stdout)
    if report["partitions"][0]["records"] != count:
        raise MeasureError(f"{arguments[0]} read another number of events")
    return count / seconds


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure_replay(int(sys.argv[1]))))
