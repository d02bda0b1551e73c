"""Answers: JSON bodies, and the one place where errors become HTTP (contract §2)."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send

from api.http.connection import connection_of
from api.http.leases import may_answer
from api.methods import allowed, is_head
from schemas.errors import DamagedState, RequestError, TooManyRequests, Unavailable
from schemas.events import ENCODER

log = logging.getLogger(__name__)


class Answer:
    """A JSON answer, ready to be sent.

    An ASGI app of its own: Litestar's Response would be built twice for each request, which costs
    a read a tenth of its rate.
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self._body = body
        self._status = status
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        if not may_answer(scope):
            self = _STALE
        await send(
            {"type": "http.response.start", "status": self._status, "headers": self._headers}
        )
        await send({"type": "http.response.body", "body": self._body, "more_body": False})

    def to_asgi_response(self, **_: object) -> "Answer":
        """What Litestar asks of the answer of an exception handler."""
        return self


class StreamedAnswer:
    """A JSON answer in parts, each made when the one before has left: however long it is, it takes little memory.

    The first part is made before the head leaves, so an error of it is an answer of its own. Behind the head an
    error of the request cuts the connection: an answer without its end is not mistaken for a whole one, and what has
    not left yet does not leave.
    """

    __slots__ = ("_parts",)

    def __init__(self, parts: AsyncGenerator[bytes]) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._parts) as parts:
            part = await anext(parts)
            if not may_answer(scope):
                await _STALE(scope, receive, send)
                return
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if is_head(scope):
                part = b""
            try:
                while part:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    # uvicorn waits before it writes: this way it waits before the next part is made.
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                    part = await anext(parts, b"")
                    if not may_answer(scope):
                        raise Unavailable("this node has lost touch with Kafka")
            except RequestError:
                connection = connection_of(scope)
                connection.cut()
                await connection.gone()
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})


_STALE: Final = Answer(
    ENCODER.encode(
        {
            "code": 503,
            "messages": [
                "this node has lost touch with Kafka: what it knows may be old, try again"
            ],
        }
    ),
    503,
    {"retry_after": "1"},
)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; header names are given with underscores."""
    return Answer(ENCODER.encode(body), status, headers)


def raw_answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer whose body is JSON already."""
    return Answer(body, status, headers)


def positions(last: Mapping[int, int]) -> dict[str, str]:
    """The header that says, per partition, the last offset that was written (contract §14)."""
    joined = ",".join(f"{partition}:{offset}" for partition, offset in sorted(last.items()))
    return {"x_log_position": joined} if joined else {}


def _error(code: int, messages: list[str], **headers: str) -> Answer:
    return answer({"code": code, "messages": messages}, code, **headers)


def error_answer(request: Request[Any, Any, Any], error: Exception) -> Answer:
    """The answer to a request whose handler has raised the error, or for which there is none."""
    if isinstance(error, RequestError):
        return refusal(error)
    if isinstance(error, DamagedState):
        # The service stops at this and starts again (`streams.partition.state_folder`).
        return _error(503, ["the service folds its state again, try again"], retry_after="10")
    if isinstance(error, HTTPException):
        return _http_exception(request, error)
    # Neither the path, which may hold a secret, nor the error's text, which may hold a value.
    log.error("%s request failed: %s at %s", request.method, type(error).__name__, _places(error))
    return _error(500, ["The service failed at this request; its log says where"])


def refusal(error: RequestError) -> Answer:
    """The answer to a request that is refused (contract §2)."""
    if isinstance(error, TooManyRequests):
        wait = str(error.wait)
        content = {"code": error.code, "messages": error.messages, "wait": error.wait}
        return answer(content, error.code, retry_after=wait, x_ratelimit_wait=wait)
    if isinstance(error, Unavailable):
        return _error(error.code, error.messages, retry_after=str(error.retry_after))
    return _error(error.code, error.messages)


def _http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Answer:
    match error.status_code:
        case 404:
            message = "No such route"
        case 405:
            methods = allowed(request.app, request.scope["path"])
            return _error(405, ["No such method on this route"], allow=methods)
        case code:
            message = f"The request cannot be answered ({code})"
    return _error(error.status_code, [message])


def _places(error: Exception) -> str:
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-4:]))
