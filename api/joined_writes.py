"""uvicorn's HTTP protocol, sending the head and the body of an answer in one write.

uvicorn writes them one after the other, and each write is a call of the system: a fifth of the time of a read.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT: Final = "profilelog.abort"
"""An ASGI extension: its `abort` drops the connection, what waits to be sent included."""


class JoinedWritesProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        joined = _JoinedWrites(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", joined))


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
