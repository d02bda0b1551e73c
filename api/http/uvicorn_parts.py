"""What of uvicorn this folder builds on beyond its documented interface; checked when it is imported.

`HttpProtocol` replaces the callbacks of the parser and keeps the rest: a uvicorn that has moved one of these names
would run and answer wrongly.
"""

import inspect
from typing import Final

from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

__all__ = [
    "HIGH_WATER_LIMIT",
    "ASGI3Application",
    "ASGISendEvent",
    "FlowControl",
    "HttpToolsProtocol",
    "RequestResponseCycle",
    "Server",
    "ServerState",
]

_METHODS: Final[dict[type, tuple[str, ...]]] = {
    FlowControl: ("pause_reading", "resume_reading", "drain"),
    HttpToolsProtocol: (
        "_start_asgi_task",
        "_unset_keepalive_if_required",
        "connection_lost",
        "connection_made",
        "data_received",
        "on_body",
        "on_header",
        "on_headers_complete",
        "on_message_begin",
        "on_message_complete",
        "on_response_complete",
        "on_url",
        "shutdown",
    ),
    RequestResponseCycle: ("receive", "run_asgi", "send", "send_500_response"),
    Server: ("on_tick", "shutdown", "startup"),
}
_PARAMETERS: Final[dict[type, frozenset[str]]] = {
    HttpToolsProtocol: frozenset({"config", "server_state", "app_state", "_loop"}),
    RequestResponseCycle: frozenset(
        {
            "scope",
            "transport",
            "flow",
            "logger",
            "access_logger",
            "access_log",
            "default_headers",
            "message_event",
            "expect_100_continue",
            "keep_alive",
            "on_response",
        }
    ),
}


def _check() -> None:
    missing = [
        f"{part.__name__}.{name}"
        for part, names in _METHODS.items()
        for name in names
        if not callable(getattr(part, name, None))
    ]
    missing += [
        f"{part.__name__}({', '.join(sorted(changed))})"
        for part, names in _PARAMETERS.items()
        if (changed := names ^ (inspect.signature(part).parameters.keys() - {"self"}))
    ]
    if missing:
        raise ImportError(
            f"this uvicorn has not what profilelog builds on ({'; '.join(missing)}): install the version of "
            "requirements.lock"
        )


_check()
