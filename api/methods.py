"""HEAD, OPTIONS, and what else no handler is made for (contract §2)."""

from collections.abc import Awaitable
from typing import Final, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Method, Receive, Scope, Send
from litestar.utils import normalize_path

from api.http.refusals import METHODS

_HANDLED: Final[tuple[Method, ...]] = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HEAD: Final = "profilelog.head"


def allowed(app: Litestar, path: str) -> str:
    """The methods of a path, as `Allow` lists them; empty where there is no such path."""
    found = [method for method in _HANDLED if _is_handled(app, path, method)]
    if not found:
        return ""
    return ", ".join([*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"])


def _is_handled(app: Litestar, path: str, method: Method) -> bool:
    try:
        app.asgi_router.handle_routing(path=normalize_path(path), method=method)
    except (MethodNotAllowedException, NotFoundException):
        return False
    return True


def is_head(scope: Scope) -> bool:
    """Whether the answer has no body, so that none need be made."""
    return _HEAD in (scope["extensions"] or {})


class Methods:
    """The app with HEAD wherever it has GET, and OPTIONS wherever it has anything (contract §2).

    A HEAD is handled as a GET; the protocol, which knows better, sends no body. `handlers` answers what is not OPTIONS.
    """

    __slots__ = ("_app", "_handlers")

    def __init__(self, app: Litestar, handlers: ASGIApp) -> None:
        self._app = app
        self._handlers = handlers

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        match scope["method"] if scope["type"] == ScopeType.HTTP else None:
            case "HEAD":
                extensions = {**(scope["extensions"] or {}), _HEAD: {}}
                scope = cast("Scope", {**scope, "method": "GET", "extensions": extensions})
            case "OPTIONS":
                methods = allowed(self._app, scope["path"])
                if methods or scope["path"] == "*":
                    return _answer_options(methods or ", ".join(METHODS), send)
            case _:
                pass
        return self._handlers(scope, receive, send)


async def _answer_options(methods: str, send: Send) -> None:
    headers = [(b"allow", methods.encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
