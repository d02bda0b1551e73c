"""The routes that are asked most, called without what Litestar does around a handler: a quarter of the CPU of a read.

They are Litestar's routes all the same: it has their handlers, and answers whatever else is asked of their paths.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from litestar import Litestar
from litestar.types import AnyCallable, ASGIApp, Method, Receive, Scope, Send

from api.incoming import Incoming

# Their handlers take the request and nothing else.
_ROUTES: Final[tuple[tuple[Method, str], ...]] = (
    ("GET", "/v3/analyze/profile"),
    ("POST", "/v3/observe/hooks/profiles"),
)
# Litestar refuses a Host that is none; what is not as plain as this is left to it.
_PLAIN_HOST: Final = re.compile(r"[0-9A-Za-z.:\[\]-]*", re.ASCII)


class DirectRoutes:
    """The `app`, but `_ROUTES` are called here, with the same handlers and the same answers to errors."""

    __slots__ = ("_answer_error", "_app", "_handlers")

    def __init__(
        self, app: Litestar, answer_error: Callable[[Incoming, Exception], ASGIApp]
    ) -> None:
        self._app = app
        self._answer_error = answer_error
        self._handlers = {route: _handler(app, *route) for route in _ROUTES}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            handler = self._handlers.get((scope["method"], scope["path"]))
            if handler is not None:
                scope["litestar_app"], scope["path_params"] = self._app, {}
                request = Incoming(scope, receive, send)
                if _PLAIN_HOST.fullmatch(request.fields.get("host", "")):
                    return self._answer(handler, request)
        return self._app(scope, receive, send)

    async def _answer(self, handler: AnyCallable, request: Incoming) -> None:
        try:
            answer: ASGIApp = await handler(request)
        except Exception as error:
            answer = self._answer_error(request, error)
        await answer(request.scope, request.receive, request.send)


def _handler(app: Litestar, method: Method, path: str) -> AnyCallable:
    """What Litestar calls for this route."""
    _, route_handler, *_ = app.asgi_router.handle_routing(path=path, method=method)
    return route_handler.fn
