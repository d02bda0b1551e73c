"""How often a service starts again in its process because a state folder is damaged (`api.server.run`)."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from api import server
from api.settings import Settings
from api.starting import Start, Started
from schemas.errors import DamagedState
from streams.log.kafka_access import KafkaAccess


def run(
    monkeypatch: pytest.MonkeyPatch,
    damaged: int,
    announce: Callable[[Started], None] = lambda _: None,
) -> list[int]:
    """The port of each start of a service whose first `damaged` ones end of a damaged folder."""
    ports: list[int] = []

    async def one(start: Start, listener: socket.socket) -> None:
        ports.append(listener.getsockname()[1])
        start.announce(Started("http://localhost", KafkaAccess("localhost:9092"), None))
        if len(ports) <= damaged:
            raise DamagedState(Path("profile-events-0"))
        raise asyncio.CancelledError

    monkeypatch.setattr(server, "_run_once", one)
    start = Start(Settings.load(port=0), embedded=True, account_secret=None, announce=announce)
    with pytest.raises((asyncio.CancelledError, DamagedState)) as caught:
        asyncio.run(server.run(start))
    assert isinstance(caught.value, DamagedState) == (len(ports) == damaged)
    return ports


def test_it_keeps_its_port_and_announces_itself_once(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[Started] = []

    ports = run(monkeypatch, 2, announced.append)

    assert len(ports) == 3
    assert len(set(ports)) == 1
    assert len(announced) == 1


def test_a_disk_that_damages_every_state_ends_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(run(monkeypatch, 4)) == 4
