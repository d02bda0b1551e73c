# pyright: reportPrivateUsage=false
"""What of uvicorn `api.http` builds on beyond its documented interface.

`HttpProtocol` replaces the callbacks of the parser and keeps the rest: a uvicorn that has moved one of these names
would run and answer wrongly.
"""

from typing import Final

from uvicorn import Server

from private_names.checked import Library

UVICORN: Final = Library("uvicorn", "0.54.0")

with UVICORN.importing():
    from uvicorn._types import ASGI3Application, ASGISendEvent
    from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
    from uvicorn.server import ServerState

__all__ = [
    "HIGH_WATER_LIMIT",
    "UVICORN",
    "ASGI3Application",
    "ASGISendEvent",
    "FlowControl",
    "RequestResponseCycle",
    "Server",
    "ServerState",
    "UvicornProtocol",
]

UVICORN.check_names(
    {
        FlowControl: (
            "drain",
            "pause_reading",
            "read_paused",
            "resume_reading",
            "write_paused",
        ),
        HttpToolsProtocol: (
            "_start_asgi_task",
            "access_logger",
            "app",
            "connection_lost",
            "connection_made",
            "cycle",
            "data_received",
            "eof_received",
            "expect_100_continue",
            "flow",
            "headers",
            "logger",
            "loop",
            "on_body",
            "on_header",
            "on_headers_complete",
            "on_message_begin",
            "on_message_complete",
            "on_response_complete",
            "on_url",
            "parser",
            "pipeline",
            "scope",
            "server_state",
            "shutdown",
            "transport",
            "url",
        ),
        RequestResponseCycle: (
            "body",
            "disconnected",
            "flow",
            "keep_alive",
            "message_event",
            "more_body",
            "on_response",
            "receive",
            "response_complete",
            "response_started",
            "run_asgi",
            "scope",
            "send",
            "transport",
            "waiting_for_100_continue",
        ),
        Server: (
            "capture_signals",
            "config",
            "lifespan",
            "on_tick",
            "serve",
            "server_state",
            "servers",
            "should_exit",
            "shutdown",
            "started",
            "startup",
        ),
        ServerState: ("connections", "default_headers", "total_requests"),
    }
)
UVICORN.check_parameters(
    {
        HttpToolsProtocol: ("config", "server_state", "app_state", "_loop"),
        HttpToolsProtocol._start_asgi_task: ("cycle", "app"),
        RequestResponseCycle: (
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
        ),
    }
)


class UvicornProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools; `start_task` runs a handler for a cycle."""

    start_task = HttpToolsProtocol._start_asgi_task
