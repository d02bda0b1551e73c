"""New connections are accepted under any load, and when descriptors run out (`api.http.acceptor`, `api.http.crowd`)."""

import asyncio
import contextlib
import json
import os
import resource
import socket
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
import uvloop

from api.http.crowd import Crowd
from tests.support.http_server import RunningServer, echo, serving

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
UPLOAD = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"


def run(work: Callable[[RunningServer], Coroutine[Any, Any, None]], most: int) -> None:
    async def main() -> None:
        async with serving(echo, most=most) as server:
            await work(server)

    uvloop.run(main())


def waiting(number: int, address: tuple[str, int]) -> list[socket.socket]:
    """Connections that the system has made, and nobody has accepted yet."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.connect(address)
    return sockets


def test_all_connections_that_wait_are_accepted_within_a_few_turns_of_the_loop() -> None:
    async def work(server: RunningServer) -> None:
        sockets = waiting(100, server.address)
        turns = 0
        while len(server.connections) < len(sockets):
            turns += 1
            await asyncio.sleep(0)
        assert turns < 20
        for each in sockets:
            each.close()

    run(work, most=1000)


def test_where_no_more_may_be_open_the_longest_idle_makes_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(server: RunningServer) -> None:
        clients = [await server.connect() for _ in range(5)]
        await clients[0].send(GET)  # from its answer on it is idle for the shortest time
        assert (await clients[0].receive())[0] == 200

        for place in (1, 2):
            new = await server.connect()
            assert await clients[place].rest() == b""
            await new.send(GET)
            assert (await new.receive())[0] == 200
        await clients[0].send(GET)
        assert (await clients[0].receive())[0] == 200
        assert server.crowd.open == len(server.connections) == 5

    run(work, most=5)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ulimit" in caplog.text


def test_an_upload_that_does_not_move_makes_room_where_none_is_idle() -> None:
    async def work(server: RunningServer) -> None:
        clients = [await server.connect() for _ in range(3)]
        for each in clients:
            each.protocol.data_received(UPLOAD)
        for _ in range(2):
            for each in clients[:2]:
                each.protocol.data_received(b"x" * 2000)
            await server.sweep(1)

        new = await server.connect()

        assert await clients[2].rest() == b""
        await new.send(GET)
        assert (await new.receive())[0] == 200

    run(work, most=3)


def test_a_connection_that_only_hears_its_client_out_makes_room() -> None:
    async def work(server: RunningServer) -> None:
        client = await server.connect()
        await client.send(
            b"POST /refused HTTP/1.1\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"
        )
        assert (await client.receive())[0] == 403
        await server.sweep(1)

        new = await server.connect()

        await new.send(GET)
        assert (await new.receive())[0] == 200

    run(work, most=1)


def test_where_all_are_busy_a_new_one_is_503() -> None:
    async def work(server: RunningServer) -> None:
        for _ in range(3):
            (await server.connect()).protocol.data_received(UPLOAD)

        reader, writer = await asyncio.open_connection(*server.address)
        found = await reader.read()
        writer.close()

        head, _, body = found.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in head
        assert json.loads(body)["code"] == 503

    run(work, most=3)


def test_a_new_one_that_has_sent_its_request_hears_of_its_503_too() -> None:
    async def work(server: RunningServer) -> None:
        for _ in range(30):
            (await server.connect()).protocol.data_received(UPLOAD)

        sockets = waiting(2, server.address)
        for each in sockets:
            each.sendall(UPLOAD)
        for _ in range(20):
            await asyncio.sleep(0)
        for each in sockets:
            each.sendall(b"x")  # to a socket that is closed it would bring a reset
            assert each.recv(100).startswith(b"HTTP/1.1 503 ")
            while await asyncio.to_thread(each.recv, 1000):
                pass
            each.close()

    run(work, most=30)


@contextlib.contextmanager
def no_descriptor_left() -> Generator[None]:
    """The process may open none more, whatever it closes below the highest that is open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in taken:
            os.close(each)


def test_where_the_process_has_no_descriptor_left_the_longest_idle_makes_room() -> None:
    async def work(server: RunningServer) -> None:
        idle = await server.connect()
        new = socket.socket()
        new.setblocking(False)
        with no_descriptor_left():
            with contextlib.suppress(BlockingIOError):
                new.connect(server.address)
            loop = asyncio.get_running_loop()
            assert await idle.rest() == b""
            await loop.sock_sendall(new, GET)
            async with asyncio.timeout(10):
                assert (await loop.sock_recv(new, 20)).startswith(b"HTTP/1.1 200")
        new.close()

    run(work, most=1000)


def test_where_the_process_has_no_descriptor_left_and_all_are_busy_a_new_one_is_503() -> None:
    async def work(server: RunningServer) -> None:
        (await server.connect()).protocol.data_received(UPLOAD)
        new = socket.socket()
        new.setblocking(False)
        with no_descriptor_left():
            with contextlib.suppress(BlockingIOError):
                new.connect(server.address)
            async with asyncio.timeout(10):
                found = await asyncio.get_running_loop().sock_recv(new, 20)
        assert found.startswith(b"HTTP/1.1 503")
        new.close()
        assert (await server.connect()).protocol in server.connections

    run(work, most=1000)


class Member:
    def sweep(self) -> None: ...

    def give_way(self) -> None: ...


def test_the_log_says_so_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    times = [0.0]
    crowd = Crowd(lambda: times[-1])
    for now in (0.0, 1.0, 59.0, 60.5, 61.0):
        times.append(now)
        crowd.idle[Member()] = None
        assert crowd.make_room()
    assert not crowd.make_room()

    assert len(caplog.records) == 2
    assert "4 so far" in caplog.text
