"""Requests and answers byte by byte, and an application that can be held."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop
from litestar.types import Receive, Scope, Send

from api.http.limits import Limits
from tests.support.http_server import Client, RunningServer, echo, serving

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


class Gate:
    """An app that answers once it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.open.wait()
        await echo(scope, receive, send)
