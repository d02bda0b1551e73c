"""A connection: what it reads, what it refuses, and what it ends (`api.http.protocol`), over real sockets."""

import asyncio
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send

from api.http.limits import Limits
from tests.support.http_server import Client, RunningServer
from tests.support.raw_http import GET, Gate, error, post, run, until

# --- offers of another protocol

OFFERS = [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB",
    "Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x",
    "connection: keep-alive\r\nUPGRADE: h2c, websocket\r\nConnection: UPGRADE",
]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("chunked", [False, True])
def test_an_offer_loses_no_body_wherever_the_packets_end(offer: str, chunked: bool) -> None:
    head = post("/b", 5, offer)
    body = b"hello"
    if chunked:
        head = head.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
        body = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    sent = head + body + GET

    async def work(_: RunningServer, client: Client) -> None:
        for end in range(1, len(sent)):
            client.protocol.data_received(sent[:end])
            client.protocol.data_received(sent[end:])
            first, second = await client.receive(), await client.receive()
            assert (first[0], first[2]["path"], first[2]["body"]) == (200, "/b", "hello")
            assert not {name for name, _ in first[2]["headers"]} & {"upgrade", "http2-settings"}
            assert (second[0], second[2]["path"]) == (200, "/a")

    run(work)


def test_an_offer_with_a_head_of_60_kib_is_passed_over() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(post("/b", 2, OFFERS[0], "a: " + "x" * 60_000) + b"ok")
        assert (await client.receive())[2]["body"] == "ok"

    run(work)


def test_offers_that_come_at_once_are_all_passed_over() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send((post("/b", 2, OFFERS[0]) + b"ok") * 200)
        for _number in range(200):
            assert (await client.receive())[2]["body"] == "ok"

    run(work)


def test_an_offer_makes_no_ambiguous_framing_good() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(post("/b", 5, OFFERS[0], "Transfer-Encoding: chunked") + b"0\r\n\r\n")
        error(400)(await client.receive())
        assert await client.rest() == b""

    run(work)


# --- what is refused before a handler is asked

REFUSED = [
    (b"GET /\x80 HTTP/1.1\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"GET a HTTP/1.1\r\n\r\n", 400),
    (b"FOO / HTTP/1.1\r\n\r\n", 405),
    (b"CONNECT x:80 HTTP/1.1\r\n\r\n", 405),
    (b"GET /" + b"x" * 80_000, 414),
    (b"GET /?" + b"x" * 65_536 + b" HTTP/1.1\r\n\r\n", 414),
    (b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\na: " + b"x" * 80_000, 431),
    (b"GET / HTTP/1.1\r\na: " + b"x" * 65_536 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 20_000, 431),
    (b"GET / HTTP/1.1\r\n" + b"x" * 80_000, 431),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"x" * 200_000, 431),
    (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"1;xxxxxxxxxxxxxxxx\r\nx\r\n" * 20_000,
        431,
    ),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 40_000, 431),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400),
    (b"\r\n" * 100_000, 400),
    (GET[:-2] + b"Content-Length: 0\r\n\r\n" + b"\r\n" * 100_000, 400),
]


@pytest.mark.parametrize(("sent", "code"), REFUSED, ids=[repr(s[:40]) for s, _ in REFUSED])
def test_what_cannot_be_served_is_an_error_of_the_contract(sent: bytes, code: int) -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(sent)
        found = await client.receive()
        if found[0] == 200:  # of the request before it
            found = await client.receive()
        error(code)(found)
        assert ("allow" in found[1]) == (code == 405)
        assert await client.rest() == b""

    run(work, limits=Limits(drain_bytes=10_000_000))


def test_a_head_of_64_kib_is_read() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        for start in (b"GET / HTTP/1.1\r\na: ", b"GET /?"):
            end = b" HTTP/1.1\r\n\r\n" if start.endswith(b"?") else b"\r\n\r\n"
            await client.send(start + b"x" * (65_536 - 64) + end)
            assert (await client.receive())[0] == 200

    run(work)


def test_a_head_behind_a_large_body_counts_from_its_own_beginning() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        body = b"x" * 100_000
        head = GET[:-2] + b"a: " + b"x" * 60_000 + b"\r\n\r\n"
        await client.send(post("/b", len(body)) + body + head[:30_000])
        assert len((await client.receive())[2]["body"]) == len(body)
        await client.send(head[30_000:])
        assert (await client.receive())[2]["path"] == "/a"
        await client.send(post("/b", len(body)) + body)
        assert (await client.receive())[0] == 200
        client.protocol.data_received(b"\r\n")
        await client.send(GET)
        assert (await client.receive())[0] == 200

    run(work)


def test_a_body_in_chunks_of_one_byte_is_read() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        head = post("/b", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        await client.send(head + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
        assert (await client.receive())[2]["body"] == "x" * 100_000

    run(work)


def test_trailers_are_no_headers() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        head = post("/b", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        client.protocol.data_received(head)
        client.protocol.data_received(b"1\r\nx\r\n0\r\nX-Account-Secret: s\r\n\r\n")
        headers = (await client.receive())[2]["headers"]
        assert [name for name, _ in headers] == ["host", "transfer-encoding"]

    run(work)


def test_a_refusal_waits_for_the_answers_before_it() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(GET * 3 + b"\x01")
        for _number in range(3):
            assert (await client.receive())[0] == 200
        error(400)(await client.receive())
        assert await client.rest() == b""

    run(work)


def test_a_body_that_breaks_off_is_refused_in_its_turn() -> None:
    async def work(_: RunningServer, client: Client) -> None:
        head = post("/b", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        await client.send(GET + head + b"z\r\n")
        assert (await client.receive())[2]["path"] == "/a"
        error(400)(await client.receive())
        assert await client.rest() == b""

    run(work)


def test_few_requests_wait_behind_one_that_runs_however_many_come() -> None:
    app = Gate()

    async def work(_: RunningServer, client: Client) -> None:
        client.protocol.data_received(GET * 1_000)
        assert len(client.protocol.pipeline) < 500
        app.open.set()
        for _number in range(1_000):
            assert (await client.receive())[0] == 200

    run(work, app)


# --- what a handler fails of


async def fail(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's
    raise RuntimeError(scope["path"])


async def say_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that ends without an answer."""


@pytest.mark.parametrize("app", [fail, say_nothing])
def test_a_failure_is_an_error_of_the_contract(app: Any) -> None:
    async def work(_: RunningServer, client: Client) -> None:
        await client.send(GET)
        error(500)(await client.receive())

    run(work, app)


def test_a_request_that_is_cut_off_by_a_stop_is_503() -> None:
    async def work(server: RunningServer, client: Client) -> None:
        await client.send(GET)
        await until(lambda: bool(server.tasks))
        await asyncio.sleep(0)
        for task in server.tasks:
            task.cancel()
        found = await client.receive()
        error(503)(found)
        assert found[1]["retry-after"] == "1"

    run(work, Gate())
