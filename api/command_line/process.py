"""Running a command's coroutine: the event loop, and the one place that owns the signals.

SIGTERM or SIGINT, at any time:

1. The coroutine is cancelled, and undoes what it did.
2. Where that has not ended after `_HURRY_SECONDS`, or a second signal comes, the wait that it
   stands in is cancelled too and the rest of the way back goes on.
3. After `_CUT_OFF_SECONDS` the process exits as it is. Nothing is lost: that is a kill -9, which
   the service stands at any moment, and the embedded broker dies with its parent.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import uvloop

from api.command_line.logs import log_loop_errors
from schemas.errors import OperatorError
from streams.broker import BrokerError

log = logging.getLogger(__name__)

_HURRY_SECONDS: Final = 6.0
_CUT_OFF_SECONDS: Final = 9.5

_Result = TypeVar("_Result")


class Interrupted(Exception):
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
            loop.call_later(_HURRY_SECONDS, task.cancel)
            loop.call_later(_CUT_OFF_SECONDS, _cut_off)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except BaseException as error:
        if not stopping and (cause := _cause(error)) is not error:
            raise cause from None
        if not stopping:
            raise
        if not isinstance(error, asyncio.CancelledError):
            log.warning("the stop was not a clean one: %r", error)
        raise Interrupted from None


def _cause(error: BaseException) -> BaseException:
    """What a command failed of.

    Undoing may fail in its turn, as where Kafka is gone, and that error then hides the one that
    tells what happened. aiokafka also leaves cancellations that nobody asked for.
    """
    chain = [error]
    while (before := chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    told = [each for each in chain if isinstance(each, OperatorError | BrokerError)]
    return next(iter(told or [each for each in chain if isinstance(each, Exception)]), error)


def _cut_off() -> None:
    log.warning("the stop takes too long, leaving at once; the next start repairs what is left")
    os._exit(0)
