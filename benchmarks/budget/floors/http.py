"""The HTTP server alone: uvicorn with the project's protocol, and an answer that is always the same.

Run: python -m benchmarks.budget.floors.http PORT, which serves until it is ended.
"""

import secrets
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import httpx
import uvloop
from litestar.types import Receive, Scope, Send
from litestar.types.asgi_types import (
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    LifeSpanReceive,
    LifeSpanSend,
    LifeSpanShutdownCompleteEvent,
    LifeSpanStartupCompleteEvent,
)

from api.http.limits import Limits
from api.http.server import HttpServer
from api.interpreter import tune_garbage_collector
from benchmarks.budget.cores import bind
from benchmarks.budget.floors.floor import Floor
from benchmarks.load import Script, run_wrk, write_users
from benchmarks.processes import REPOSITORY, Child, cpu_seconds, free_port

_CONTENT: Final = b'{"profile":{"uid":"7d4b2a4e-7a53-4c4e-9df6-6b1b7a4f2b11","plan":"gold"}}'
_START: Final = HTTPResponseStartEvent(
    type="http.response.start",
    status=200,
    headers=[
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_CONTENT)),
    ],
)
_BODY: Final = HTTPResponseBodyEvent(type="http.response.body", body=_CONTENT, more_body=False)
_MOST_CONNECTIONS: Final = 1000
_START_SECONDS: Final = 20
_USERS: Final = 1000


class ConstantServer:
    """`serve_constant` in a process of its own; a target for `run_wrk`, and a context manager."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.secret = secrets.token_hex(16)
        self._child = Child(
            [sys.executable, "-m", "benchmarks.budget.floors.http", str(port)],
            log=folder / "http.log",
            cwd=REPOSITORY,
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def __enter__(self) -> "ConstantServer":
        try:
            self._child.wait_until(self._answers, seconds=_START_SECONDS)
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


def measure_http(connections: Sequence[int], seconds: int, core: int) -> dict[int, Floor]:
    """Of each request, by how many connections send them; the requests are those of the reads."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        users = Path(folder) / "users.txt"
        write_users(users, [secrets.token_hex(16) for _ in range(_USERS)])
        with ConstantServer(Path(folder)) as server:
            bind(server.pid, {core})
            run_wrk(server, Script.READ, users, connections=max(connections), seconds=1)
            return {count: _measure(server, users, count, seconds) for count in connections}


def _measure(server: ConstantServer, users: Path, connections: int, seconds: int) -> Floor:
    before = cpu_seconds(server.pid)
    load = run_wrk(server, Script.READ, users, connections=connections, seconds=seconds)
    cpu = cpu_seconds(server.pid) - before
    return Floor(1e6 / load.rate, 1e6 * cpu / (load.rate * seconds))


async def serve_constant(port: int) -> None:
    """Serve on a port of this machine until the process is ended."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.setblocking(False)
    server = HttpServer(_constant, Limits(), _MOST_CONNECTIONS, lambda: None)
    await server.serve([listener])


async def _constant(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app; `scope` may be a lifespan's too, which Litestar's types leave out."""
    if scope["type"] == "http":
        await send(_START)
        await send(_BODY)
    else:
        await _live(cast("LifeSpanReceive", receive), cast("LifeSpanSend", send))


async def _live(receive: LifeSpanReceive, send: LifeSpanSend) -> None:
    """Confirm that the server starts, and that it stops."""
    await receive()
    await send(LifeSpanStartupCompleteEvent(type="lifespan.startup.complete"))
    await receive()
    await send(LifeSpanShutdownCompleteEvent(type="lifespan.shutdown.complete"))


if __name__ == "__main__":
    tune_garbage_collector()
    uvloop.run(serve_constant(int(sys.argv[1])))
