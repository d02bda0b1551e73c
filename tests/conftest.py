"""The broker and the service that tests share."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker, train
from streams.log.kafka_access import KafkaAccess
from tests.support.nodes import running_nodes, spread
from tests.support.service import Account, Service

_DOCKER_PING_SECONDS = 2.0

# A script that runs the tests in the background has them ignore SIGINT, and with them the commands that they interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaAccess]:
    """A Kafka for this run.

    PROFILELOG_TEST_KAFKA when it is set, one in a container when a Docker engine answers, else
    the embedded broker.
    """
    if address := os.environ.get("PROFILELOG_TEST_KAFKA"):
        yield KafkaAccess(address)
    elif _docker_answers():
        yield from _kafka_in_docker()
    else:
        broker = EmbeddedBroker(tmp_path_factory.mktemp("kafka"))
        asyncio.run(broker.start())
        asyncio.run(train(*broker.java_and_jars))  # tests start a broker many times
        yield broker.access
        asyncio.run(broker.stop())


@pytest.fixture(scope="session")
def nodes(
    kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sequence[Service]]:
    """The nodes of one deployment, for all tests that leave it running; one, or PROFILELOG_TEST_NODES."""
    number = int(os.environ.get("PROFILELOG_TEST_NODES", "1"))
    with running_nodes(kafka, tmp_path_factory.mktemp("service"), number) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def service(nodes: Sequence[Service]) -> Service:
    """One service for all tests that leave it running."""
    return nodes[0]


@pytest.fixture
def own_service(kafka: KafkaAccess, tmp_path: Path) -> Iterator[Service]:
    """A service for one test alone, to be killed and started again; its log is checked too."""
    with Service(kafka, tmp_path) as service:
        yield service.start()
        assert service.leaks() == []


@pytest.fixture(scope="session")
def account(service: Service, nodes: Sequence[Service]) -> Account:
    """The account that most tests are about; its requests go to any node."""
    return spread(service.create_account("Account A"), nodes)


@pytest.fixture(scope="session")
def stranger(service: Service, nodes: Sequence[Service]) -> Account:
    """Another account on the same service."""
    return spread(service.create_account("Account B"), nodes)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "after_all_others: looks at what the others left behind")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("after_all_others") is not None)


def _docker_answers() -> bool:
    """Whether an engine answers a ping, asked by hand: docker's client warns where there is none."""
    kind, _, place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    host, _, port = place.rpartition(":")
    with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as engine:
        engine.settimeout(_DOCKER_PING_SECONDS)
        try:
            engine.connect(place if kind == "unix" else (host, int(port)))
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in engine.recv(32)
        except (OSError, ValueError):
            return False


def _kafka_in_docker() -> Iterator[KafkaAccess]:
    # Imported here: without an engine nothing of it is needed.
    from testcontainers.community.kafka import KafkaContainer

    container = KafkaContainer().with_kraft()
    container.with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
    container.with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
    container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    with container:
        yield KafkaAccess(container.get_bootstrap_server())
