"""An answer that goes on: server-sent events, until either side ends it (contract §13)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final, cast

from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from api.joined_writes import ABORT

# Who takes nothing for so long is gone, or as good as gone.
_SEND_SECONDS: Final = 60.0
_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


class EventStream:
    """Sends the `first` portion of events, and `portions` as they come; an ASGI app like `api.answers.Answer`.

    No portion is asked for before the one before has gone into the connection, so `portions` learns how fast the
    consumer is. It is closed in the end, whoever ended it.
    """

    __slots__ = ("_first", "_portions")

    def __init__(self, first: bytes, portions: AsyncGenerator[bytes]) -> None:
        self._first = first
        self._portions = portions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        tasks = {
            asyncio.ensure_future(self._send_all(scope, send)),
            asyncio.ensure_future(_gone(receive)),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _send_all(self, scope: Scope, send: Send) -> None:
        async with contextlib.aclosing(self._portions) as portions:
            await send(_body(self._first, more=True))
            async for portion in portions:
                try:
                    async with asyncio.timeout(_SEND_SECONDS):
                        await send(_body(portion, more=True))
                except TimeoutError:
                    _abort(scope)
                    return
                # The connection writes at the end of the loop's turn, and says only then whether it is full.
                await asyncio.sleep(0)
        await send(_body(b"", more=False))


def _abort(scope: Scope) -> None:
    extensions = cast("Mapping[str, Mapping[str, Callable[[], None]]]", scope["extensions"])
    extensions[ABORT]["abort"]()


def _body(body: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
