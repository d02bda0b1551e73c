"""The embedded broker, started for real: what it keeps, what it refuses, and how it dies."""

# aiokafka is not annotated.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from streams.broker import (
    BrokerLocked,
    EmbeddedBroker,
    PortTaken,
    running_broker,
)
from streams.log.kafka_access import KafkaAccess, read_properties
from tests.support.broker import append, is_let_in, read

pytestmark = pytest.mark.anyio


FINDER = """
import sys
from pathlib import Path
from streams.broker import running_broker

found = running_broker(Path(sys.argv[1]))
assert found is not None
print(found.bootstrap)
"""


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
