"""What an answer that goes on for long has to know of the way that it takes."""

import asyncio
from collections.abc import Mapping
from typing import Final, cast

from litestar.types import Scope

from private_names.of_uvicorn import FlowControl

# An ASGI extension of our own: its `connection` is the request's `Connection`.
EXTENSION: Final = "profilelog.connection"


class Connection:
    """The client's end of the answers that leave on one connection."""

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
        """Returns when the connection is closed, by whichever side, or the client has closed its own half.

        Not by ASGI's `http.disconnect`, which uvicorn sends to the newest of the connection's requests only.
        """
        await self._lost.wait()


def connection_of(scope: Scope) -> Connection:
    """The connection of a request, from its ASGI scope."""
    extensions = cast("Mapping[str, Mapping[str, Connection]]", scope["extensions"])
    return extensions[EXTENSION]["connection"]
