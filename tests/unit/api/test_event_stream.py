"""Streams whose consumers hang or go away (`api.event_stream`), over a real connection."""

import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send

from api.event_stream import EventStream
from api.http.protocol import HttpProtocol

PORTION = b"data: %b\n\n" % (b"x" * 10_000)


class Endless:
    """An app whose stream goes on for ever, and which knows when it was closed."""

    def __init__(self, patience: float) -> None:
        self.closed = asyncio.Event()
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(b": hello\n\n", self._portions(), self._patience)(scope, receive, send)

    async def _portions(self) -> AsyncGenerator[bytes]:
        try:
            while True:
                yield PORTION
        finally:
            self.closed.set()


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def left(app: Endless, *, gone: bool, sent: bytes = REQUEST) -> bytes:
    """What a client still finds in its buffers that has read nothing until its stream was closed."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname(), limit=1)
    writer.write(sent)
    if gone:
        await reader.readexactly(1)
        writer.close()
    async with asyncio.timeout(10):
        await app.closed.wait()
    found = b"" if gone else await reader.read()
    writer.close()
    server.should_exit = True
    await serving
    return found


def test_a_consumer_that_takes_nothing_is_cut_off() -> None:
    found = asyncio.run(left(Endless(0.2), gone=False))

    assert found.startswith(b"HTTP/1.1 200")
    assert not found.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("requests", [1, 2])
def test_a_consumer_that_goes_away_ends_its_stream(requests: int) -> None:
    """Also when it had another request waiting behind it, which is all that uvicorn tells of it."""
    assert asyncio.run(left(Endless(60), gone=True, sent=REQUEST * requests)) == b""
