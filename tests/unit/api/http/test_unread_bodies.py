"""Answers that come before the end of a body, and what becomes of the rest of it."""

import asyncio

import pytest

from tests.support.http_server import Client, RunningServer
from tests.support.raw_http import GET, post, run, until


def test_a_connection_goes_on_behind_a_body_that_nobody_read() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        for _number in range(4):
            await client.send(post("/refused", 50_000))
            status, headers, _ = await client.receive()
            assert status == 403
            assert "connection" not in headers
            await client.send(b"x" * 50_000 + GET)
            assert (await client.receive())[2]["path"] == "/a"

    run(work)


def test_a_connection_that_closes_hears_the_client_out() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        await client.send(post("/refused", 90_000, "Connection: close"))
        status, headers, _ = await client.receive()
        assert (status, headers["connection"]) == (403, "close")
        for _number in range(9):
            await client.send(b"x" * 10_000)
        assert await client.rest() == b""
        assert client.protocol in server.connections
        client.writer.close()
        await until(lambda: client.protocol not in server.connections)

    run(work)


@pytest.mark.parametrize("close", [True, False])
def test_what_is_discarded_is_bounded_in_bytes_and_time(close: bool) -> None:
    async def work(server: RunningServer, client: Client) -> None:
        head = post("/refused", 99_999, *(["Connection: close"] if close else []))
        slow = await server.connect()
        await slow.send(head)
        assert (await slow.receive())[0] == 403
        await server.sweep(5)
        assert slow.protocol in server.connections
        await server.sweep(10)
        await until(lambda: slow.protocol not in server.connections)

        await client.send(post("/refused", 1_000_000))
        status, headers, _ = await client.receive()
        assert (status, headers["connection"]) == (403, "close")  # it is more than is discarded
        with_reset = asyncio.gather(client.send(b"x" * 1_000_000), return_exceptions=True)
        await until(lambda: client.protocol not in server.connections)
        await with_reset

    run(work)


def test_who_waits_for_100_continue_is_told_that_the_connection_closes() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(post("/refused", 3, "Expect: 100-continue"))
        status, headers, _ = await client.receive()
        assert (status, headers["connection"]) == (403, "close")
        assert await client.rest() == b""

    run(work)


def test_who_is_not_refused_gets_100_continue() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(post("/b", 3, "Expect: 100-continue"))
        assert (await client.receive())[0] == 100
        await client.send(b"abc")
        assert (await client.receive())[2]["body"] == "abc"

    run(work)


@pytest.mark.parametrize("number", [1, 1000])
def test_a_client_that_closes_its_half_is_answered(number: int) -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(GET * number)
        client.writer.write_eof()
        for _number in range(number):
            assert (await client.receive())[0] == 200
        assert await client.rest() == b""

    run(work)


def test_a_client_that_closes_its_half_within_a_body_is_gone() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        await client.send(post("/b", 10))
        client.writer.write_eof()
        assert await client.rest() == b""
        await until(lambda: not server.tasks)

    run(work)
