"""What a browser says of a user: fields with a type of their own (contract §5), checked when they are sent.

Trusted producers send them through the hook like any property; a read shows them under these names, so what could
not be one of their values is refused. Each may be null.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from schemas.errors import InvalidValue
from schemas.identifiers import parse_uid
from schemas.timestamps import parse_timestamp

BROWSERS: Final = ("chrome", "firefox", "safari", "opera", "ie10", "ie11", "edge", "unknown")
KINDS: Final = ("desktop", "mobile", "tablet")
FIRST_OFFSET: Final = -12
LAST_OFFSET: Final = 14
"""Hours from UTC: the offsets that there are."""

_Check: TypeAlias = Callable[[object], bool]


def check_browser_fields(properties: Mapping[str, Any]) -> None:
    """Check the browser fields among normalized properties (contract §5). Raises InvalidValue."""
    if _RULES.keys().isdisjoint(properties):
        return
    for name, (check, reason) in _RULES.items():
        value = properties.get(name)
        if value is not None and not check(value):
            raise InvalidValue(name, reason)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_offset(value: object) -> bool:
    return _is_number(value) and FIRST_OFFSET <= cast("float", value) <= LAST_OFFSET


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_timestamp(value: object) -> bool:
    return isinstance(value, str) and parse_timestamp(value) is not None


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_id, cast("list[object]", value)))


def _is_id(value: object) -> bool:
    try:
        parse_uid(value)
    except InvalidValue:
        return False
    return True


_RULES: Final[dict[str, tuple[_Check, str]]] = {
    "browser_x": (_is_number, "must be a number or null"),
    "browser_tz": (
        _is_offset,
        f"must be an hour offset from UTC, {FIRST_OFFSET} to {LAST_OFFSET}, or null",
    ),
    "browser_l": (_is_text, "must be a string or null"),
    "browser_n": (BROWSERS.__contains__, f"must be one of {', '.join(BROWSERS)} or null"),
    "browser_k": (KINDS.__contains__, f"must be one of {', '.join(KINDS)} or null"),
    "last_seen_at": (_is_timestamp, "must be a timestamp or null"),
    "last_seen_session_count": (_is_count, "must be a whole number from 0 or null"),
    "delivery_ids": (_are_ids, "must be an array of ids or null"),
}
