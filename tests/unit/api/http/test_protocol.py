"""A connection: what it reads, what it refuses, and what it ends (`api.http.protocol`), over real sockets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
import uvloop
from litestar.types import Receive, Scope, Send

from api.http.limits import Limits
from tests.support.http_server import Client, RunningServer, answer, echo, serving

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LIMITS = Limits(head_seconds=10, idle_seconds=60, body_seconds=30, drain_bytes=100_000)


def post(path: str, length: int, *headers: str) -> bytes:
    """The head of a request with a body."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def run(
    work: Callable[[RunningServer, Client], Coroutine[Any, Any, None]],
    app: Any = echo,
    limits: Limits = LIMITS,
) -> None:
    """Do `work` with a server and a client that is connected to it."""

    async def main() -> None:
        async with serving(app, limits) as server:
            await work(server, await server.connect())

    uvloop.run(main())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - nothing sets an Event
            await asyncio.sleep(0)


def error(code: int) -> Callable[[tuple[int, dict[str, str], Any]], None]:
    """Asserts that an answer is an error of the contract's shape, and that the connection closes."""

    def check(found: tuple[int, dict[str, str], Any]) -> None:
        status, headers, body = found
        assert status == code
        assert headers["content-type"] == "application/json"
        assert headers["connection"] == "close"
        assert body["code"] == code
        assert body["messages"]

    return check


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


class Gate:
    """An app that answers once it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.open.wait()
        await echo(scope, receive, send)


def test_few_requests_wait_behind_one_that_runs_however_many_come() -> None:
    app = Gate()

    async def work(_: RunningServer, client: Client) -> None:
        client.protocol.data_received(GET * 1_000)
        assert len(client.protocol.pipeline) < 500
        app.open.set()
        for _number in range(1_000):
            assert (await client.receive())[0] == 200

    run(work, app)


# --- answers that come before the end of the body


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


# --- what takes too long


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
