"""What an auditor waits for: `profilelog replay` and `profilelog audit` of a log of its own."""

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.settings import HASH_KEY_FILE
from benchmarks.errors import MeasureError
from benchmarks.log_writer import write_log
from benchmarks.processes import output_of
from schemas.identity import KEY_BYTES, Identity
from streams.broker import EmbeddedBroker


class ReplayResult(NamedTuple):
    """Events per second of each command, from its start to its end.

    The first two have one core for the whole process, RocksDB's threads included; the last may use all cores.
    """

    replayed: float
    audited: float
    audited_freely: float


def replay_in_process(count: int) -> ReplayResult:
    """`measure_replay` in a fresh process, which is not in the way of the next."""
    return msgspec.json.decode(output_of("benchmarks.replay", str(count)), type=ReplayResult)


def measure_replay(count: int) -> ReplayResult:
    """Write `count` events, and the records of emails that they led to, into a log of their own; replay and audit it.

    What is audited is the state that the replay made. Raises MeasureError.
    """
    key = secrets.token_bytes(KEY_BYTES)
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        data = Path(folder)
        (data / HASH_KEY_FILE).write_text(f"{key.hex()}\n")
        broker = EmbeddedBroker(data)
        try:
            asyncio.run(write_log(broker, Identity(key, 1), count))
            with _one_core():
                replay = ["replay", "--data", folder, "--into", str(data / "state")]
                replayed = _rate(count, replay)
                audited = _rate(count, ["audit", "--data", folder])
            freely = _rate(count, ["audit", "--data", folder])
        finally:
            asyncio.run(broker.stop())
    return ReplayResult(replayed, audited, freely)


@contextlib.contextmanager
def _one_core() -> Generator[None]:
    """Bind what is started meanwhile to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # the first one serves the interrupts, too
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _rate(count: int, command: Sequence[str]) -> float:
    began = time.perf_counter()
    report = msgspec.json.decode(output_of("api.command_line.main", *command, "--json"))
    seconds = time.perf_counter() - began
    if report["partitions"][0]["records"] != count:
        raise MeasureError(f"{command[0]} read another number of events")
    return count / seconds


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure_replay(int(sys.argv[1]))))
