"""Points in time: Unix milliseconds inside, ``2029-04-07T12:18:00.000Z`` outside (contract §5)."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

MILLISECONDS_PER_DAY: Final = 86_400_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
FIRST_TIMESTAMP: Final = (date.min.toordinal() - _EPOCH_DAY) * MILLISECONDS_PER_DAY
"""The first millisecond of the year 1."""
LAST_TIMESTAMP: Final = (date.max.toordinal() - _EPOCH_DAY + 1) * MILLISECONDS_PER_DAY - 1
"""The last millisecond of the year 9999."""

_MINUTES: Final = tuple(f"T{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60))
_MILLISECONDS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))

# `fromisoformat` takes more than this (week dates, bare digits), and other things in other
# versions of Python (24:00), so what counts as a timestamp is fixed here.
_TIME: Final = r"(?:[01][0-9]|2[0-3]){0}[0-5][0-9](?:{0}[0-5][0-9](?:[.,][0-9]+)?)?"
_OFFSET: Final = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_ISO_8601: Final = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_TIME.format(':')})?"
    rf"|[0-9]{{8}}T{_TIME.format('')})"
    rf"(?: (?:UTC|GMT|Z)| ?({_OFFSET}))?"
)


# An event's time is written several times, and all of a batch is of one time.
@lru_cache(maxsize=64)
def format_timestamp(ms: int) -> str:
    """``2029-04-07T12:18:00.000Z``, from Unix milliseconds of the years 1 to 9999.

    Raises ValueError or OverflowError outside them.
    """
    return _second(ms // 1000) + _MILLISECONDS[ms % 1000]


@lru_cache(maxsize=4096)  # events that follow each other were made in the same second
def _second(second: int) -> str:
    day, rest = divmod(second, 86_400)
    date_ = date.fromordinal(_EPOCH_DAY + day).isoformat()
    return f"{date_}{_MINUTES[rest // 60]}{rest % 60:02d}"


def parse_timestamp(text: str) -> int | None:
    """Unix milliseconds, or None when `text` is no timestamp of the years 1 to 9999.

    Takes ISO 8601 calendar dates, alone or with a time and an offset, and a blank for the ``T``
    or before the offset (contract §9). Without an offset, or with `` UTC``, `` GMT`` or `` Z``
    behind, it is UTC; what is finer than a millisecond is cut off. An offset needs a time; week
    dates, ordinal dates and a bare ``20290821`` are none.
    """
    match = _ISO_8601.fullmatch(text)
    if match is None:
        return None
    moment, offset = match.groups()
    if offset is not None and len(moment) == len("2029-08-21"):
        return None
    try:
        parsed = datetime.fromisoformat(moment + (offset or "Z") if len(moment) > 10 else moment)
    except ValueError:  # the 30th of February
        return None
    since = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)) - _EPOCH
    ms = since.days * MILLISECONDS_PER_DAY + since.seconds * 1000 + since.microseconds // 1000
    return ms if FIRST_TIMESTAMP <= ms <= LAST_TIMESTAMP else None


def parse_stored_timestamp(text: str) -> int | None:
    """Unix milliseconds of a text exactly as `format_timestamp` writes it, None for any other.

    In a stored property such a text is a timestamp: whatever else spells one was rewritten when it
    was normalized (contract §9).
    """
    if len(text) != _STORED_LENGTH or text[-1] != "Z" or text[4:20:3] != "--T::.":
        return None
    if text[11:13] > "23":  # a newer `fromisoformat` takes 24:00
        return None
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except ValueError:  # the 30th of February
        return None
    return since.days * MILLISECONDS_PER_DAY + since.seconds * 1000 + since.microseconds // 1000


_STORED_LENGTH: Final = len("2029-04-07T12:18:00.000Z")
