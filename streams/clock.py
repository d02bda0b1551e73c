"""The server's time, which stands in every event: nothing else in `streams` reads the wall clock."""

import logging
import time
from typing import Final

from schemas.errors import Unavailable
from schemas.timestamps import format_timestamp

log = logging.getLogger(__name__)

FIRST: Final = 946_684_800_000
"""2000-01-01, in unix milliseconds: an event's time is at or after it (contract §15)."""
LAST: Final = 7_258_118_400_000
"""2200-01-01: an event's time is before it."""

_REPEAT_SECONDS: Final = 60.0
_reported = -_REPEAT_SECONDS


def unix_ms() -> int:
    """The time as the machine has it, in unix milliseconds, right or wrong."""
    return time.time_ns() // 1_000_000


def now() -> int:
    """In unix milliseconds. Raises `Unavailable` while the clock is wrong: such an event might not be folded."""
    ms = unix_ms()
    if not FIRST <= ms < LAST:
        _report(ms)
        raise Unavailable(
            "the clock of the machine is wrong: nothing was written, send it again later",
            retry_after=30,
        )
    return ms


def warning() -> str | None:
    """What an operator has to know of the clock; None while it is right."""
    ms = unix_ms()
    return None if FIRST <= ms < LAST else _sentence(ms)


def _report(ms: int) -> None:
    global _reported
    if time.monotonic() - _reported >= _REPEAT_SECONDS:
        _reported = time.monotonic()
        log.error("%s", _sentence(ms))


def _sentence(ms: int) -> str:
    try:
        shown = format_timestamp(ms)
    except (ValueError, OverflowError):
        shown = "a time beyond the year 9999"
    return f"the clock of this machine says {shown}, outside 2000 to 2200: writes are refused until it is put right"
