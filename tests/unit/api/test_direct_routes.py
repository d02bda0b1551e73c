"""The routes that are asked most answer directly as they would through Litestar."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from litestar import Controller, Litestar, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.types import ASGIApp

from api.answers import Answer, answer, error_answer
from api.direct_routes import DirectRoutes
from api.incoming import Incoming
from schemas.errors import Unprocessable

READ: Final = "/v3/analyze/profile"
WRITE: Final = "/v3/observe/hooks/profiles"


class Routes(Controller):
    """Handlers that do what the query says."""

    @get(READ)
    async def read(self, request: Incoming) -> Answer:
        match request.query.get("do"):
            case "refuse":
                raise Unprocessable("No")
            case "refuse as Litestar does":
                raise ClientException("No")
            case "fail":
                raise ValueError("a value")
            case _:
                return answer({"path": request.path_params, "context": request.app.state.context})

    @post(WRITE)
    async def write(self, request: Incoming) -> Answer:
        return answer({"body": b"".join([part async for part in request.stream()]).decode()}, 201)


HANDLERS: dict[int | type[Exception], Callable[..., Any]] = {Exception: error_answer}
APP: Final = Litestar(
    [Routes],
    state=State({"context": "shared"}),
    request_class=Incoming,
    exception_handlers=HANDLERS,
    openapi_config=None,
    logging_config=None,
)


def ask(app: ASGIApp, method: str, url: str, host: str) -> tuple[int, httpx.Headers, bytes]:
    async def scenario() -> httpx.Response:
        transport = httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType] - Litestar's types of ASGI
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            body = "sent" if method == "POST" else None
            return await client.request(method, url, headers={"Host": host}, content=body)

    got = asyncio.run(scenario())
    return got.status_code, got.headers, got.content


@pytest.mark.parametrize("host", ["here:80", "a_b", "a/b"])
@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", READ),
        ("GET", f"{READ}?do=refuse"),
        ("GET", f"{READ}?do=refuse+as+Litestar+does"),
        ("GET", f"{READ}?do=fail"),
        ("GET", f"{READ}/"),
        ("PUT", READ),
        ("POST", WRITE),
        ("GET", WRITE),
        ("GET", "/v3"),
    ],
)
def test_the_answer_is_that_of_litestar(method: str, url: str, host: str) -> None:
    assert ask(DirectRoutes(APP, error_answer), method, url, host) == ask(APP, method, url, host)


def test_an_error_that_nobody_expects_is_500_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status, _, body = ask(DirectRoutes(APP, error_answer), "GET", f"{READ}?do=fail", "here")

    assert status == 500
    assert b"a value" not in body
    assert "ValueError" in caplog.text
    assert "a value" not in caplog.text
