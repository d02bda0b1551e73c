"""The node and HTTP: from a Kafka that answers to a service that does.

`api.server` imports this beside the start of Kafka: most of what the service imports is imported here.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

from api.app import create_app
from api.first_account import usable_secret
from api.http.server import HttpServer
from api.interpreter import shorten_waits_for_the_lock, tune_garbage_collector
from api.kafka_errors import kafka_in_words
from api.settings import deployment, http_limits, node_id
from api.starting import Start, Started
from streams.log.kafka_access import KafkaAccess
from streams.node import Node

_NODE_START_SECONDS: Final = 4
_POLL_SECONDS: Final = 0.02

Beside = Callable[[Coroutine[Any, Any, None]], None]
"""Runs work until the stop; what the work fails of makes a stop necessary."""


async def start_serving(
    start: Start,
    kafka: KafkaAccess,
    listener: socket.socket,
    max_connections: int,
    stack: contextlib.AsyncExitStack,
    beside: Beside,
) -> HttpServer:
    """Start the node, which stops with the stack; returns a server that is ready to listen.

    Raises `OperatorError`.
    """
    settings = start.settings
    known = deployment(settings, kafka=kafka, embedded=start.embedded)
    url = _url(settings.host, listener)
    node = Node(known, node_id(settings.data), settings.advertise or url)
    async with kafka_in_words(kafka):
        await _start(node, stack)
        secret = await usable_secret(node.book, settings.data, start.embedded, start.account_secret)
    tune_garbage_collector()
    shorten_waits_for_the_lock()
    app = create_app(node, settings)
    server = HttpServer(app, http_limits(settings), max_connections, node.changes.end)
    started = Started(url, kafka, secret)
    beside(_failure(node))
    beside(_announce_when_ready(node, server, lambda: start.announce(started)))
    return server


async def _start(node: Node, stack: contextlib.AsyncExitStack) -> None:
    """Start the node; it stops with the stack.

    Faust cannot be stopped in the middle of its start: what is half started never ends. So when a
    stop comes meanwhile, the start goes on to its end, and then the stack stops the whole.
    """
    entering = asyncio.ensure_future(stack.enter_async_context(node.running()))
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_NODE_START_SECONDS):
                await asyncio.gather(entering, return_exceptions=True)
        raise


async def _announce_when_ready(
    node: Node, server: HttpServer, announce: Callable[[], None]
) -> None:
    while not (server.started and node.cluster.ready):  # noqa: ASYNC110 - neither sets an Event
        await asyncio.sleep(_POLL_SECONDS)
    announce()


async def _failure(node: Node) -> None:
    raise await node.failure.wait()


def _url(host: str, listener: socket.socket) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{name}]' if ':' in name else name}:{listener.getsockname()[1]}"
