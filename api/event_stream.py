"""An answer that goes on: server-sent events, until either side ends it (contract §13)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Final, cast

from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from api.joined_writes import CONNECTION, Connection

log = logging.getLogger(__name__)

# Who takes nothing for so long is gone, or as good as gone.
_SEND_SECONDS: Final = 60.0
_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


class EventStream:
    """Sends the `first` portion of events, and `portions` as they come; an ASGI app like `api.answers.Answer`.

    No portion is asked for before the one before is out, so that `portions` learns how fast the consumer is, and what
    it gives is sent at once. It is closed in the end, whoever ended it.
    """

    __slots__ = ("_first", "_portions")

    def __init__(self, first: bytes, portions: AsyncGenerator[bytes]) -> None:
        self._first = first
        self._portions = portions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        tasks = {
            asyncio.ensure_future(self._send_all(_connection(scope), send)),
            asyncio.ensure_future(_gone(receive)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    # Not its text, which may hold a value.
                    log.error("a stream failed: %s", type(ended).__name__)

    async def _send_all(self, connection: Connection, send: Send) -> None:
        async with contextlib.aclosing(self._portions) as portions:
            await send(_body(self._first, more=True))
            await connection.drain(_SEND_SECONDS)
            async for portion in portions:
                await send(_body(portion, more=True))
                await connection.drain(_SEND_SECONDS)
        await send(_body(b"", more=False))


def _connection(scope: Scope) -> Connection:
    extensions = cast("Mapping[str, Mapping[str, Connection]]", scope["extensions"])
    return extensions[CONNECTION]["connection"]


def _body(body: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
