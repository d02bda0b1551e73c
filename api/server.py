"""The service as one process: Kafka where it is embedded, the node, and HTTP, on one event loop.

A start, in order:

1. Take the port, so that a taken one is reported before anything else is started. Nobody is answered
   yet.
2. Take the data folder; start the embedded broker, and import the rest meanwhile (`api.serving`).
3. Start the node and make the development account.
4. Listen. Until the node has caught up `/ready` answers 503, and so do reads and writes.
5. Announce.

A stop is a cancellation of `run`, or trouble while it runs; it goes the same way back. The caller catches signals:
nothing here does. After a stop because the state of a partition is damaged it starts again: that removes the folder and
folds it from the log. The port is kept meanwhile, and who connects waits.
"""

import asyncio
import contextlib
import errno
import fcntl
import gc
import importlib
import logging
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from api.http.descriptors import raise_limit
from api.settings import Settings
from api.starting import Start, Started
from schemas.errors import DamagedState, OperatorError
from streams.broker import EmbeddedBroker, train
from streams.data_folder import DiskFull, disk_full, make_private, open_private
from streams.log.kafka_access import KafkaAccess

log = logging.getLogger(__name__)

# A stop may take 10 s in all.
_STOP_SECONDS: Final = (6.0, 1.5, 1.0)
_BROKER_STOP_SECONDS: Final = 2.5
# A disk on which a folder is damaged again and again is somebody's work.
_RUNS: Final = 4

Trouble = asyncio.Future[None]
"""Gets what makes it impossible to go on; the stop that follows may fail of other things."""


async def run(start: Start) -> None:
    """Serve until cancelled.

    Ends within 9 s of a cancellation, or of what makes it impossible to go on. Raises
    `OperatorError`, whose text says what to do.
    """
    announced: list[Started] = []

    def announce_once(started: Started) -> None:
        if not announced:
            start.announce(started)
        announced.append(started)

    with _port(start.settings.host, start.settings.port) as listener:
        for left in reversed(range(_RUNS)):
            try:
                await _run_once(replace(start, announce=announce_once), listener)
            except DamagedState as damage:
                if not left:
                    raise
                log.error("%s. The service starts again now", str(damage))
            # What was left behind may hold the folder's files open; the collector was told to look away from it.
            gc.unfreeze()
            gc.collect()


async def _run_once(start: Start, listener: socket.socket) -> None:
    trouble: Trouble = asyncio.get_running_loop().create_future()
    serving = asyncio.ensure_future(_serve(start, listener, trouble))
    try:
        await asyncio.wait({serving, trouble}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        serving.cancel()
        await _end(serving)
        failure = trouble.exception() if trouble.done() else None
    if failure is not None:
        raise _full_disk(start.settings.data) or failure


def _full_disk(data: Path) -> DiskFull | None:
    return disk_full(data) if data.is_dir() else None


async def _serve(start: Start, listener: socket.socket, trouble: Trouble) -> None:
    """Start, serve, and stop when cancelled; `trouble` gets what makes a stop necessary."""
    async with contextlib.AsyncExitStack() as stack:

        def beside(work: Coroutine[Any, Any, None]) -> None:
            stack.callback(asyncio.ensure_future(_report_failure(work, trouble)).cancel)

        await _report_failure(_start_and_serve(start, listener, stack, beside), trouble)


async def _start_and_serve(
    start: Start,
    listener: socket.socket,
    stack: contextlib.AsyncExitStack,
    beside: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    settings = start.settings
    max_connections = raise_limit()
    listener = stack.enter_context(listener.dup())  # the server closes its own
    stack.enter_context(_state_folder(settings.data))
    importing = asyncio.ensure_future(asyncio.to_thread(importlib.import_module, "api.serving"))
    if start.embedded:
        broker = await stack.enter_async_context(embedded_broker(settings))
        beside(broker.watch())
        kafka = broker.access
    else:
        kafka = _own_kafka(settings)
    await importing
    from api.serving import start_serving

    server = await start_serving(start, kafka, listener, max_connections, stack, beside)
    try:
        await server.serve([listener])
    except OSError as error:  # between bind and listen somebody else was faster
        raise _cannot_listen(settings.host, settings.port, error) from error


def _own_kafka(settings: Settings) -> KafkaAccess:
    kafka = settings.own_kafka()
    if kafka is None:
        raise OperatorError(
            "there is no Kafka to talk to: set PROFILELOG_KAFKA to its host:port, or use "
            "`profilelog up`, which brings its own"
        )
    return kafka


async def _report_failure(work: Coroutine[Any, Any, None], trouble: Trouble) -> None:
    """Await `work`. Its error goes to `trouble`; every stop cancels this, so it does not end before."""
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
