"""Answers: JSON bodies, and the one place where errors become HTTP (contract §2)."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from schemas.errors import RequestError, Unavailable
from schemas.events import ENCODER

log = logging.getLogger(__name__)

JSON = "application/json"


def answer(body: object, status: int = 200, **headers: str) -> Response[bytes]:
    """A JSON answer; header names are given with underscores."""
    return raw_answer(ENCODER.encode(body), status, **headers)


def raw_answer(body: bytes, status: int = 200, **headers: str) -> Response[bytes]:
    """An answer whose body is JSON already."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status_code=status, media_type=JSON, headers=named)


def _error(
    code: int, messages: list[str], headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    body = ENCODER.encode({"code": code, "messages": messages})
    return Response(body, status_code=code, media_type=JSON, headers=dict(headers or {}))


def _request_error(_: Request[Any, Any, Any], error: RequestError) -> Response[bytes]:
    headers = {"retry-after": str(error.retry_after)} if isinstance(error, Unavailable) else None
    return _error(error.code, error.messages, headers)


def _http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    match error.status_code:
        case 404:
            messages = ["No such route"]
        case 405:
            messages = ["No such method on this route"]
        case code:
            messages = [f"The request cannot be answered ({code})"]
    return _error(error.status_code, messages)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # Neither the path, which may hold a secret, nor the error's text, which may hold a value, is logged.
    frames = _frames(error)
    log.error("%s request failed: %s at %s", request.method, type(error).__name__, frames)
    return _error(500, ["The service failed at this request; its log says where"])


def _frames(error: Exception) -> str:
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-4:]))


EXCEPTION_HANDLERS: Final[dict[int | type[Exception], Callable[..., Response[bytes]]]] = {
    RequestError: _request_error,
    HTTPException: _http_exception,
    Exception: _unexpected,
}
