"""What is logged, and how: one line per record on stderr, and nothing of a user in any of them.

Our own code logs positions and names of topics. Libraries log more: mode and Faust the repr of
exceptions and their tracebacks, asyncio the repr of a callback's arguments. An exception's text
may quote the value that caused it (a KeyError does), so of an exception only the type and the
places in the code are written. The text is added only for the kinds that say nothing of records:
Kafka's, the system's and our own. Arguments that could hold a record are replaced by their type.
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, cast

from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    KafkaError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
)

from schemas.errors import ProfilelogError

_QUIET: Final = (
    "aiokafka",
    "asyncio",
    "faust",
    "httpcore",
    "httpx",
    "jgo",
    "litestar",
    "mode",
    # Faust's services log under the name of the module that derives from them.
    "private_names",
    "streams.consumer_group.chunk_delivery",
    "uvicorn",
)
_TELLING: Final = (KafkaError, OSError, ProfilelogError)
_NOT_YET: Final = (
    GroupCoordinatorNotAvailableError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
)
# At each connection with SASL_PLAINTEXT: the embedded broker's on loopback, or what the operator has set.
_IN_THE_CLEAR: Final = "Sending username and password in the clear"
_START_MS: Final = 30_000
_REPEAT_SECONDS: Final = 5.0
_PLAIN: Final = (str, int, float, type)
_FRAMES: Final = 8
_LONGEST: Final = 2000

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_logging(level: str) -> None:
    """Log to stderr from `level` on; from warnings on what the libraries say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    handler.addFilter(_WorthTelling())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    sys.unraisablehook = _log_unraisable


def log_loop_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log what ends up at the event loop by its kind, without the objects that it concerns."""

    def handle(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error: BaseException | None = context.get("exception")
        # "Exception in callback f(arguments)", "Task exception was never retrieved\nfuture: …"
        what = str(context.get("message", "")).partition("\n")[0]
        what = "Exception in callback" if what.startswith("Exception in callback") else what
        logging.getLogger("asyncio").error("%s", what, exc_info=error)

    loop.set_exception_handler(handle)


class OneLine(logging.Formatter):
    """`2029-04-07T12:18:00.000Z WARNING streams.partition.relay_loop: …`, free of what users sent."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        text = _text(record)
        if record.exc_info:
            text = f"{text} [{_failure(record.exc_info)}]"
        text = " | ".join(line.strip() for line in text.splitlines() if line.strip())
        return f"{at}Z {record.levelname} {record.name}: {text[:_LONGEST]}"


class _WorthTelling(logging.Filter):
    """Of what aiokafka says, not the same again and again, and not what every start has.

    While Kafka is away it logs each of its attempts, hundreds a second: of the records of one
    place in its code one passes every few seconds. And new topics have no leader for a
    moment, which is asked again at once: such lines are shown only later than at the start.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != "aiokafka":
            return True
        if record.msg == _IN_THE_CLEAR:
            return False
        arguments = record.args if isinstance(record.args, tuple) else ()
        if record.relativeCreated < _START_MS and any(isinstance(it, _NOT_YET) for it in arguments):
            return False
        source = record.pathname, record.lineno
        if record.created - self._told.get(source, 0.0) < _REPEAT_SECONDS:
            return False
        self._told[source] = record.created
        return True


def _text(record: logging.LogRecord) -> str:
    arguments = record.args
    if not arguments:
        return str(record.msg)
    try:
        if isinstance(arguments, Mapping):
            return str(record.msg) % {name: _harmless(arguments[name]) for name in arguments}
        return str(record.msg) % tuple(map(_harmless, arguments))
    except (TypeError, ValueError):  # a format that wants another type than the substitute's
        return str(record.msg)


class _Said(str):
    """A text that `%r` shows without quotes, as it does the object that it stands for."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _harmless(value: object) -> object:
    """The value, where it cannot hold anything of a record; else what it is."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, BaseException):
        return _Said(_named(value))
    if isinstance(value, tuple | list | set | frozenset):
        parts = cast("Iterable[object]", value)
        return _Said(f"({', '.join(repr(_harmless(part)) for part in parts)})")
    return _Said(f"<{type(value).__name__}>")


def _named(error: BaseException) -> str:
    name, text = type(error).__name__, str(error)
    if not text or not isinstance(error, _TELLING):
        return name
    return text if name in text else f"{name}: {text}"


def _failure(exc_info: _ExcInfo) -> str:
    """An exception and those before it, each with its innermost places in the code."""
    chain: list[str] = []
    error = exc_info[1]
    while error is not None and len(chain) < 3:
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        places = " < ".join(f"{_short(each.filename)}:{each.lineno}" for each in reversed(frames))
        chain.append(f"{_named(error)} at {places}" if places else _named(error))
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden
    return " after ".join(chain)


def _short(path: str) -> str:
    return "/".join(PurePath(path).parts[-3:])


def _log_unraisable(event: "sys.UnraisableHookArgs") -> None:
    error = event.exc_value
    logging.getLogger("python").error("an error that no caller could receive", exc_info=error)
