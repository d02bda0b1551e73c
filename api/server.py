"""The service as one process: Kafka where it is embedded, the node, and HTTP, on one event loop.

A start, in order:

1. Take the port, so that a taken one is told before anything else is started. Nobody is answered
   yet.
2. Take the data folder; start the embedded broker.
3. Start the node and make the development account.
4. Listen. Until the node has caught up `/ready` answers 503, and so do reads and writes.
5. Announce.

A stop is a cancellation of `run`, or trouble while it runs; it goes the same way back. Who catches
signals is the caller's business: nothing here does.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka.errors import KafkaError

from api.app import create_app
from api.first_account import AccountSecret, usable_secret
from api.http.descriptors import raise_limit
from api.http.server import HttpServer
from api.interpreter import shorten_waits_for_the_lock, tune_garbage_collector
from api.settings import Settings, deployment, http_limits, node_id
from schemas.errors import OperatorError
from streams.broker import EmbeddedBroker, train
from streams.data_folder import make_private, open_private
from streams.log.kafka_access import KafkaAccess
from streams.node import Node

log = logging.getLogger(__name__)

# A stop may take 10 s in all.
_STOP_SECONDS: Final = (6.0, 1.5, 1.0)
_NODE_START_SECONDS: Final = 4
_BROKER_STOP_SECONDS: Final = 2.5

_POLL_SECONDS: Final = 0.02

Trouble = asyncio.Future[None]
"""Gets what makes it impossible to go on; the stop that follows may fail of other things."""


@dataclass(frozen=True)
class Started:
    """What a person needs to use the service: its address, and a live secret where one is known."""

    url: str
    kafka: KafkaAccess
    secret: AccountSecret | None


async def run(
    settings: Settings,
    *,
    embedded: bool,
    account_secret: str | None,
    announce: Callable[[Started], None],
) -> None:
    """Serve until cancelled.

    Ends within 9 s of a cancellation, or of what makes it impossible to go on. Raises
    `OperatorError`, whose text says what to do.
    """
    trouble: Trouble = asyncio.get_running_loop().create_future()
    serving = asyncio.ensure_future(_serve(settings, embedded, account_secret, announce, trouble))
    try:
        await asyncio.wait({serving, trouble}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        serving.cancel()
        await _end(serving)
        told = trouble.exception() if trouble.done() else None
    if told is not None:
        raise told


async def _serve(
    settings: Settings,
    embedded: bool,
    account_secret: str | None,
    announce: Callable[[Started], None],
    trouble: Trouble,
) -> None:
    """Start, serve, and stop when cancelled; `trouble` gets what makes a stop necessary."""
    async with contextlib.AsyncExitStack() as stack:

        async def work() -> None:
            most = raise_limit()
            listener = stack.enter_context(_port(settings.host, settings.port))
            stack.enter_context(_state_folder(settings.data))
            kafka = await _kafka(settings, embedded, stack, trouble)
            known = deployment(settings, kafka=kafka, embedded=embedded)
            node = Node(known, node_id(settings.data))
            with kafka_in_words(kafka):
                await _start(node, stack)
                secret = await usable_secret(node.book, settings.data, embedded, account_secret)
            tune_garbage_collector()
            shorten_waits_for_the_lock()
            server = HttpServer(
                create_app(node, settings), http_limits(settings), most, node.changes.end
            )
            started = Started(_url(settings.host, listener), kafka, secret)
            _watch(_failure(node), stack, trouble)
            _watch(_announce_when_ready(node, server, lambda: announce(started)), stack, trouble)
            try:
                await server.serve([listener])
            except OSError as error:  # between bind and listen somebody else was faster
                raise _cannot_listen(settings.host, settings.port, error) from error

        await _tell(work(), trouble)


async def _kafka(
    settings: Settings, embedded: bool, stack: contextlib.AsyncExitStack, trouble: Trouble
) -> KafkaAccess:
    """How Kafka is reached: the embedded broker, started and watched, or the operator's."""
    if embedded:
        broker = await stack.enter_async_context(embedded_broker(settings))
        _watch(broker.watch(), stack, trouble)
        return broker.access
    kafka = settings.own_kafka()
    if kafka is None:
        raise OperatorError(
            "there is no Kafka to talk to: set PROFILELOG_KAFKA to its host:port, or use "
            "`profilelog up`, which brings its own"
        )
    return kafka


def _watch(
    work: Coroutine[Any, Any, None], stack: contextlib.AsyncExitStack, trouble: Trouble
) -> None:
    """Run beside the rest until the stop."""
    stack.callback(asyncio.ensure_future(_tell(work, trouble)).cancel)


async def _tell(work: Coroutine[Any, Any, None], trouble: Trouble) -> None:
    """Run; what it fails of is told, and the cancellation awaited that every stop begins with."""
    try:
        await work
    except Exception as error:
        if not trouble.done():
            trouble.set_exception(error)
        await asyncio.Event().wait()


async def _end(serving: "asyncio.Task[None]") -> None:
    """Wait for the end of a stop, which where Kafka is gone may not come by itself.

    What it waits for is cancelled then, and in the end it is left behind: the process ends soon,
    and for the log and the state that is no worse than a kill -9. A cancellation of the caller
    means hurry.
    """
    for seconds in _STOP_SECONDS:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({serving}, timeout=seconds)
        if serving.done():
            if not serving.cancelled() and (error := serving.exception()) is not None:
                log.warning("the stop was not a clean one: %r", error)
            return
        serving.cancel()
    log.warning("the stop takes too long and is left undone; the next start repairs that")


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


@contextlib.asynccontextmanager
async def embedded_broker(settings: Settings) -> AsyncGenerator[EmbeddedBroker]:
    """A broker on the data folder, until the block ends; beside it, what makes its next start quicker."""
    broker = EmbeddedBroker(settings.data, purge_within=settings.purge_seconds(embedded=True))
    try:
        await broker.start(lambda step: log.info("%s", step))
        training = asyncio.create_task(train(*broker.java_and_jars))
        try:
            yield broker
        finally:
            training.cancel()
            await asyncio.gather(training, return_exceptions=True)
    finally:
        await broker.stop(_BROKER_STOP_SECONDS)


@contextlib.contextmanager
def kafka_in_words(kafka: KafkaAccess) -> Generator[None]:
    """Tell the operator when Kafka cannot be used, in place of aiokafka's own errors."""
    try:
        yield
    except KafkaError as error:
        raise OperatorError(
            f"Kafka at {kafka.bootstrap} cannot be used ({error}): check that it "
            f"runs, that it can be reached from here, that it takes connections by {_shown(kafka)}, and "
            "PROFILELOG_KAFKA with the variables that begin like it"
        ) from error


def _shown(kafka: KafkaAccess) -> str:
    """The protocol of a connection, and with SASL who the service says it is."""
    return f"{kafka.protocol} as {kafka.username}" if kafka.username else kafka.protocol


# ---------------------------------------------------------------------- what a start takes


@contextlib.contextmanager
def _port(host: str, port: int) -> Generator[socket.socket]:
    """A socket that has the port, but does not listen yet: clients are refused until it does."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        yield listener


def _cannot_listen(host: str, port: int, error: OSError) -> OperatorError:
    if error.errno == errno.EADDRINUSE:
        return OperatorError(
            f"port {port} of {host} is in use: stop what listens there, or choose another with "
            "--port or PROFILELOG_PORT (0: a free one)"
        )
    return OperatorError(
        f"cannot listen on port {port} of {host} ({error.strerror}): choose others with --host "
        "and --port, or PROFILELOG_HOST and PROFILELOG_PORT"
    )


@contextlib.contextmanager
def _state_folder(data: Path) -> Generator[None]:
    """The data folder, for this service alone: two workers never share a state."""
    try:
        make_private(data)
        lock = open_private(data / "service.lock")
    except OSError as error:
        raise OperatorError(
            f"cannot use {data} as the data folder ({error.strerror}): name another with --data or "
            "PROFILELOG_DATA"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OperatorError(
                f"{data} is in use by another profilelog: stop it, or name another folder with "
                "--data or PROFILELOG_DATA"
            ) from None
        yield


# ---------------------------------------------------------------------- HTTP


def _url(host: str, listener: socket.socket) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{name}]' if ':' in name else name}:{listener.getsockname()[1]}"


# ---------------------------------------------------------------------- while it runs


async def _announce_when_ready(
    node: Node, server: HttpServer, announce: Callable[[], None]
) -> None:
    while not (server.started and node.partitions.ready):  # noqa: ASYNC110 - neither sets an Event
        await asyncio.sleep(_POLL_SECONDS)
    announce()


async def _failure(node: Node) -> None:
    raise await node.failure.wait()
