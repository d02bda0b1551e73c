"""One request and its answer."""

import asyncio
import logging
from types import CoroutineType
from typing import Any

from api.http.pace import Pace
from api.http.refusals import error_body
from private_names.of_uvicorn import ASGI3Application, ASGISendEvent, RequestResponseCycle

log = logging.getLogger(__name__)

STOPPING = "The service stops: a write is in doubt, send it again; a read has no answer, ask again"
FAILED = "The service failed at this request; its log says where"


class Cycle(RequestResponseCycle):
    """uvicorn's cycle, whose failures have the contract's shape."""

    most_discarded = 0
    """Bytes of the body that may follow its answer without the end of the connection."""
    received = 0
    """Bytes of the body."""
    pace: Pace | None = None
    """How its body arrives, once a sweep has found it incomplete."""

    async def run_asgi(self, app: ASGI3Application) -> None:
        try:
            await app(self.scope, self.receive, self.send)
            if not self.response_complete and not self.disconnected:
                log.error("a handler ended without an answer")
                await self._fail(500, FAILED)
        except asyncio.CancelledError:
            await self._fail(503, STOPPING, (b"retry-after", b"1"))
        except BaseException as error:
            log.error("a request failed: %s", type(error).__name__)
            await self._fail(500, FAILED)
        finally:
            self.on_response = lambda: None

    async def _fail(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        """Answer an error; an answer that has begun is cut, so that nobody takes it for a whole one."""
        if self.response_started:
            if not self.response_complete:
                self.transport.abort()
            return
        body = error_body(status, message)
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", b"%d" % len(body)),
                    (b"connection", b"close"),
                    *headers,
                ],
            }
        )
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def send(self, message: ASGISendEvent) -> "CoroutineType[Any, Any, None]":
        if self.more_body and not self.response_started and self._is_too_much_to_discard():
            self.keep_alive = False
        return super().send(message)

    def _is_too_much_to_discard(self) -> bool:
        """Whether the answer has to say that the connection closes, because of the body that is still to come.

        A client that waits for `100 Continue` may send the body or not: what comes next has no certain meaning.
        """
        if self.waiting_for_100_continue:
            return True
        declared = next((v for name, v in self.scope["headers"] if name == b"content-length"), b"0")
        return int(declared) - self.received > self.most_discarded
