"""The embedded broker stopped, killed and started again: nothing is lost, nothing outlives its owner."""

# aiokafka is not annotated.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.broker import (
    BrokerDied,
    EmbeddedBroker,
    running_broker,
)
from streams.broker.folder import BrokerFolder, Running
from tests.support.broker import append, read

pytestmark = pytest.mark.anyio

END_TIMEOUT_S = 10

# A process that runs a broker until it is killed. What it prints is Java's pid.
OWNER = """
import asyncio, sys
from pathlib import Path
from streams.broker import EmbeddedBroker

async def main():
    broker = EmbeddedBroker(Path(sys.argv[1]))
    await broker.start()
    print(broker.pid, flush=True)
    await broker.watch()

asyncio.run(main())
"""
# The same, but Java is not told when it ends: as on a system without such a signal.
CARELESS_OWNER = (
    """
import sys
from pathlib import Path
from streams.broker import java

java._LAUNCHER = Path(sys.argv[1]) / "launcher.py"
java._LAUNCHER.write_text("import os, sys; os.execv(sys.argv[2], sys.argv[2:])")
"""
    + OWNER
)


async def test_records_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    data = tmp_path / "a folder, with é"
    broker = EmbeddedBroker(data)
    said: list[str] = []
    await broker.start(said.append)
    await append(broker, b"kept")
    await broker.stop()

    assert (data / "broker/kafka/.kafka_cleanshutdown").exists()
    assert running_broker(data) is None
    assert said[-2:] == ["preparing the broker's folder", "starting Apache Kafka"]

    said.clear()
    await broker.start(said.append)  # on other ports
    try:
        assert await read(broker) == [b"kept"]
        assert said == ["starting Apache Kafka"]
    finally:
        await broker.stop()
        await broker.stop()  # may be repeated


async def test_records_survive_a_kill_of_java(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILELOG_ACCOUNT_SECRET", "not for Kafka")
    broker = EmbeddedBroker(tmp_path)
    await broker.start()
    assert b"not for Kafka" not in Path(f"/proc/{broker.pid}/environ").read_bytes()
    await append(broker, b"kept")

    os.kill(broker.pid, signal.SIGKILL)
    with pytest.raises(BrokerDied, match=r"ended by itself \(killed by signal 9\)"):
        await broker.watch()
    assert running_broker(tmp_path) is None
    await broker.stop()

    async with EmbeddedBroker(tmp_path) as again:
        await append(again, b"more")
        assert await read(again) == [b"kept", b"more"]


async def test_java_ends_with_a_killed_owner_and_the_next_start_carries_on(tmp_path: Path) -> None:
    java = await kill_owner(OWNER, tmp_path)

    await assert_ends(java)
    assert (tmp_path / "broker/kafka/.kafka_cleanshutdown").exists()
    assert running_broker(tmp_path) is None
    async with EmbeddedBroker(tmp_path) as again:
        assert running_broker(tmp_path) == again.access


async def test_a_java_that_outlived_its_owner_is_ended_by_the_next_start(tmp_path: Path) -> None:
    java = await kill_owner(CARELESS_OWNER, tmp_path)
    assert BrokerFolder.of(tmp_path).running() is not None

    async with EmbeddedBroker(tmp_path) as again:
        await assert_ends(java)
        assert running_broker(tmp_path) == again.access


async def test_a_recorded_pid_that_is_not_our_broker_is_left_alone(tmp_path: Path) -> None:
    folder = BrokerFolder.of(tmp_path)
    folder.create()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        folder.record(Running(pid=stranger.pid, bootstrap="127.0.0.1:9092"))

        found = running_broker(tmp_path)
        folder.end_orphan()
        stranger.kill()

    assert found is None
    assert stranger.returncode == -signal.SIGKILL


async def kill_owner(program: str, data: Path) -> int:
    """Run a program that owns a broker, and kill -9 it when the broker answers; Java's pid."""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(data)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        java = await asyncio.to_thread(owner.stdout.readline)
        owner.kill()
    return int(java)


async def assert_ends(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    assert await asyncio.to_thread(ended.poll, END_TIMEOUT_S * 1000), f"{pid} still runs"
    os.close(handle)
