"""uvicorn's server on the loop of the service."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Final, cast

import uvicorn
from litestar.types import ASGIApp

from api.http.acceptor import Acceptor
from api.http.crowd import Crowd
from api.http.limits import Limits
from api.http.protocol import HttpProtocol
from private_names.of_uvicorn import Server
from schemas.errors import OperatorError

_STOP_SECONDS: Final = 1
_BACKLOG: Final = 2048
_TICKS_A_SWEEP: Final = 10  # of uvicorn's 0.1 s


class HttpServer(Server):
    """Catches no signals, and is stopped by a cancellation.

    `most` connections may be open. `end_streams` lets those answers come to an end that would go on for ever.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, most: int, end_streams: Callable[[], None]
    ) -> None:
        self._limits = limits
        self._most = most
        self._end_streams = end_streams
        self._crowd = Crowd()
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            interface="asgi3",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,  # its lines would show paths and queries
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        super().__init__(config)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer requests on the sockets until cancelled; then let those that run come to an end.

        The sockets are bound and do not listen yet. Raises OSError when one is taken by another.
        """
        serving = asyncio.ensure_future(self._serve_alone(sockets or []))
        try:
            await asyncio.shield(serving)
        finally:
            self._end_streams()
            self.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)

    async def _serve_alone(self, sockets: list[socket.socket]) -> None:
        try:
            for each in sockets:
                each.listen(_BACKLOG)
            await super().serve(sockets)
        except SystemExit:  # uvicorn's sign that the app's own start failed
            raise OperatorError("the HTTP app did not start; the log above says why") from None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves the signals to the service."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, and accept connections in place of uvicorn."""
        await super().startup([])
        acceptors = [
            Acceptor(each, self._protocol, self._crowd, self._most) for each in sockets or []
        ]
        # uvicorn closes them and waits for that, which is all that it does with a server.
        self.servers = cast("list[asyncio.Server]", acceptors)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SWEEP == 0:
            self._crowd.sweep(cast("set[HttpProtocol]", self.server_state.connections))
        return await super().on_tick(counter)

    def _protocol(self) -> HttpProtocol:
        return HttpProtocol(
            self.config,
            self.server_state,
            self.lifespan.state,
            limits=self._limits,
            crowd=self._crowd,
        )
