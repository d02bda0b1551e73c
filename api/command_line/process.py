"""Running a command's coroutine: the event loop, and the one place that owns the signals.

At SIGTERM or SIGINT the coroutine is cancelled and undoes what it did; a second signal cancels what
it waits for meanwhile. Whatever hangs, the process ends within `_STOP_SECONDS`. Nothing is lost by
that: the service stands a kill -9 at any moment, and the embedded broker dies with its parent.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import uvloop

from api.command_line.logs import log_loop_errors
from api.command_line.output import complain
from schemas.errors import OperatorError, ProfilelogError

log = logging.getLogger(__name__)

_STOP_SECONDS: Final = 9.5
_CLOSE_SECONDS: Final = 2.0

_Result = TypeVar("_Result")


class Interrupted(ProfilelogError):
    """A signal ended a command before it was done."""


def run_to_end(work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """The result of a command. Raises `Interrupted` when a signal comes first."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_signal(work()))


def run_until_stopped(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a service, which a signal is the ordinary end of."""
    try:
        run_to_end(work)
    except Interrupted:
        log.info("stopped")


async def _until_signal(work: Coroutine[Any, Any, _Result]) -> _Result:
    loop = asyncio.get_running_loop()
    log_loop_errors(loop)
    task = asyncio.ensure_future(work)
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            log.info("stopping")
            loop.call_later(_STOP_SECONDS, os._exit, 0)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except BaseException as error:
        if stopping:
            if not isinstance(error, asyncio.CancelledError):
                log.warning("the stop was not a clean one: %r", error)
            raise Interrupted from None
        cause = _cause(error)
        # What was left behind may keep the loop from closing.
        loop.call_later(_CLOSE_SECONDS, _leave, cause)
        if cause is error:
            raise
        raise cause from None


def _leave(cause: BaseException) -> None:
    complain(cause)
    os._exit(1)


def _cause(error: BaseException) -> BaseException:
    """What a command failed of.

    Undoing may fail in its turn, as where Kafka is gone, and that error then hides the one that
    says what happened. aiokafka also leaves cancellations that nobody asked for.
    """
    chain = [error]
    while (before := chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    known = [each for each in chain if isinstance(each, OperatorError)]
    return next(iter(known or [each for each in chain if isinstance(each, Exception)]), error)
