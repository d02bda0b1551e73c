"""What is answered to the requests that are under way when the service stops (contract §2).

At a stop uvicorn lets them run for a second and cancels those that are left; by itself it would answer each with a 500
in plain text.
"""

import asyncio
import contextlib
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from api.answers import error_answer
from api.joined_writes import connection_of
from schemas.errors import Unavailable

_STOPPING: Final = (
    "The service stops: a write is in doubt, send it again; a read has no answer, ask again"
)


class AnswersWhenStopped:
    """An ASGI app that answers with 503 where `app` is cancelled; an answer that has begun is cut off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            with contextlib.suppress(RuntimeError):  # uvicorn's word for an answer that has begun
                await error_answer(Unavailable(_STOPPING))(scope, receive, send)
                return
            # Without its end it is not mistaken for a whole one.
            connection_of(scope).cut()
