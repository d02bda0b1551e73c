"""uvicorn's HTTP protocol, sending the head and the body of an answer in one write.

uvicorn writes them one after the other, and each write is a call of the system: a fifth of the time of a read.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from litestar.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# An ASGI extension of our own: its `connection` is the request's `Connection`.
_EXTENSION: Final = "profilelog.connection"


class Connection:
    """What an answer that goes on for long has to know of the way that it takes."""

    __slots__ = ("_flow", "_lost", "_transport")

    def __init__(
        self, transport: asyncio.Transport, flow: FlowControl, lost: asyncio.Event
    ) -> None:
        self._transport = transport
        self._flow = flow
        self._lost = lost

    async def drain(self, seconds: float) -> None:
        """Wait until what was sent is out, but for some 64 KiB; after so long the connection is dropped."""
        # It is written at the end of the loop's turn, and only then known to be too much.
        await asyncio.sleep(0)
        if self._flow.write_paused:
            try:
                async with asyncio.timeout(seconds):
                    await self._flow.drain()
            except TimeoutError:
                self.cut()

    def cut(self) -> None:
        """Drop the connection, and what of the answer has not left yet."""
        self._transport.abort()

    async def gone(self) -> None:
        """Returns when the connection is closed, by whichever side.

        Not by ASGI's `http.disconnect`, which uvicorn sends to the newest of the connection's requests only.
        """
        await self._lost.wait()


def connection_of(scope: Scope) -> Connection:
    """The connection of a request, from its ASGI scope."""
    extensions = cast("Mapping[str, Mapping[str, Connection]]", scope["extensions"])
    return extensions[_EXTENSION]["connection"]


class JoinedWritesProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {
            _EXTENSION: {"connection": Connection(self.transport, self.flow, self._lost)}
        }

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._lost = asyncio.Event()
        joined = _JoinedWrites(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", joined))

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        super().connection_lost(exc)


class _JoinedWrites:
    """A transport that writes what one turn of the loop gave it at the turn's end."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            self._transport.write(b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
