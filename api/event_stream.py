"""An answer that goes on: server-sent events, until either side ends it (contract §13)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Final

from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from api.http.connection import Connection, connection_of

log = logging.getLogger(__name__)

# A client that reads nothing for so long is gone, or as good as gone.
_PATIENCE_SECONDS: Final = 60.0
_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


class EventStream:
    """Sends the `first` portion of events, and `portions` as they come; an ASGI app like `api.answers.Answer`.

    No portion is asked for before the one before is out, so that `portions` learns how fast the consumer is, and what
    it gives is sent at once. It is closed in the end, whoever ended it. A consumer that takes nothing for `patience`
    seconds is cut off.
    """

    __slots__ = ("_first", "_patience", "_portions")

    def __init__(
        self, first: bytes, portions: AsyncGenerator[bytes], patience: float = _PATIENCE_SECONDS
    ) -> None:
        self._first = first
        self._portions = portions
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        connection = connection_of(scope)
        tasks = {
            asyncio.ensure_future(self._send_all(connection, send)),
            asyncio.ensure_future(connection.gone()),
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
            await connection.drain(self._patience)
            async for portion in portions:
                await send(_body(portion, more=True))
                await connection.drain(self._patience)
        await send(_body(b"", more=False))


async def no_events() -> AsyncGenerator[bytes]:
    """The portions of a stream that is asked for by HEAD."""
    for nothing in ():
        yield nothing


def _body(body: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}
