"""`api.http` on a free port of this process, with an app that shows what reached it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from typing import Any, Final, cast

import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http.acceptor import Acceptor
from api.http.crowd import Crowd
from api.http.limits import Limits
from api.http.protocol import HttpProtocol
from private_names.of_uvicorn import ASGI3Application, ServerState

_JSON: Final = (b"content-type", b"application/json")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what reached it: method, path, headers and body. `/refused` is answered before the body is read."""
    assert scope["type"] == "http"
    body = b"" if scope["path"] == "/refused" else await _read(receive)
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    await answer(send, 403 if scope["path"] == "/refused" else 200, json.dumps(seen).encode())


async def answer(send: Send, status: int, body: bytes) -> None:
    """A whole answer."""
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = cast("dict[str, Any]", await receive())
        if message["type"] != "http.request":
            return body
        body += message["body"]
        if not message["more_body"]:
            return body


class RunningServer:
    """A server that answers; `sweep` lets its time pass."""

    def __init__(self, address: tuple[str, int], state: ServerState, crowd: Crowd) -> None:
        self.address = address
        self.crowd = crowd
        self._state = state
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def connections(self) -> set[HttpProtocol]:
        return cast("set[HttpProtocol]", self._state.connections)

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The requests that are handled now."""
        return self._state.tasks

    async def sweep(self, seconds: int) -> None:
        """What a second changes, so many times; returns when the loop has done what follows from it."""
        for _ in range(seconds):
            self.crowd.sweep(self.connections)
        for _ in range(5):
            await asyncio.sleep(0)

    async def leave(self) -> None:
        """Close all clients."""
        for each in self._writers:
            each.close()
        await asyncio.gather(
            *(each.wait_closed() for each in self._writers), return_exceptions=True
        )

    async def connect(self) -> "Client":
        before = set(self.connections)
        reader, writer = await asyncio.open_connection(*self.address)
        self._writers.append(writer)
        async with asyncio.timeout(10):
            while not (new := set(self.connections) - before):  # noqa: ASYNC110 - nothing sets an Event
                await asyncio.sleep(0)
        return Client(reader, writer, new.pop())


class Client:
    """One end of a connection, and the protocol at the other."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: HttpProtocol
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.protocol = protocol

    async def send(self, data: bytes) -> None:
        """Send, and return when the protocol was given all of it, unless it does not read."""
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: status, headers, and its JSON."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(fields.get("content-length", "0")))
        return int(head[0].split(" ")[1]), fields, json.loads(body) if body else None

    async def rest(self) -> bytes:
        """All that comes until the server closes the connection."""
        async with asyncio.timeout(10):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp = echo, limits: Limits | None = None, most: int = 1000
) -> AsyncGenerator[RunningServer]:
    """A server of `app` until the block ends."""
    config = uvicorn.Config(cast("ASGI3Application", app), interface="asgi3", log_config=None)
    state, crowd = ServerState(), Crowd()

    def protocol() -> HttpProtocol:
        return HttpProtocol(config, state, {}, limits=limits, crowd=crowd)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = Acceptor(listener, protocol, crowd, most)
        server = RunningServer(listener.getsockname(), state, crowd)
        try:
            yield server
        finally:
            await server.leave()
            acceptor.close()
            await acceptor.wait_closed()
            for each in list(state.connections):
                cast("HttpProtocol", each).give_way()
            for task in list(state.tasks):
                task.cancel()
            await asyncio.gather(*state.tasks, return_exceptions=True)
