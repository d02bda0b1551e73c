"""What takes too long: heads, bodies, idle connections, answers that nobody takes."""

import asyncio
from typing import cast

import pytest
from litestar.types import Receive, Scope, Send

from tests.support.http_server import Client, RunningServer, answer
from tests.support.raw_http import GET, Gate, error, post, run, until


def test_a_head_that_does_not_end_is_408() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        client.protocol.data_received(GET[:10])
        await server.sweep(10)
        client.protocol.data_received(GET[10:12])
        await server.sweep(1)
        error(408)(await client.receive())
        assert await client.rest() == b""

    run(work)


@pytest.mark.parametrize("first", [b"", GET])
def test_a_connection_without_a_request_ends(first: bytes) -> None:
    async def work(server: RunningServer, client: Client) -> None:
        if first:
            await client.send(first)
            assert (await client.receive())[0] == 200
        await server.sweep(30)
        client.protocol.data_received(b"\r\n")
        await server.sweep(30)
        assert client.protocol in server.connections
        await server.sweep(1)
        assert await client.rest() == b""

    run(work)


def test_a_body_that_moves_too_slowly_is_408() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        client.protocol.data_received(post("/b", 1_000_000))
        for _ in range(40):
            client.protocol.data_received(b"x" * 1024)
            await server.sweep(1)
        for _ in range(5):
            await server.sweep(1)
        assert client.protocol in server.connections
        for _ in range(30):
            client.protocol.data_received(b"x" * 900)
            await server.sweep(1)
        error(408)(await client.receive())
        assert await client.rest() == b""

    run(work)


def test_a_body_that_the_service_does_not_read_is_not_blamed_on_the_client() -> None:
    app = Gate()

    async def work(server: RunningServer, client: Client) -> None:
        body = b"x" * 200_000
        client.protocol.data_received(post("/b", len(body)) + body[:-1])
        await server.sweep(100)
        app.open.set()
        await client.send(body[-1:])
        assert len((await client.receive())[2]["body"]) == len(body)

    run(work, app)


async def stream(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await asyncio.Event().wait()


def test_an_answer_that_goes_on_is_not_ended() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        await client.send(GET)
        await client.reader.readuntil(b"first\r\n")
        await server.sweep(1000)
        assert client.protocol in server.connections

    run(work, stream)


async def flood(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's
    await answer(send, 200, b"x" * 20_000_000)


def test_a_client_that_takes_nothing_of_an_answer_is_cut_off() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        cast("asyncio.ReadTransport", client.writer.transport).pause_reading()
        await client.send(GET[:-2] + b"Connection: close\r\n\r\n")
        size = client.protocol.transport.get_write_buffer_size
        await until(lambda: size() > 0)
        await server.sweep(60)
        assert client.protocol in server.connections
        await server.sweep(60)
        await until(lambda: client.protocol not in server.connections)

    run(work, flood)
