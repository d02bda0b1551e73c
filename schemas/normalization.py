"""What is sent as a property, and what is stored for it (contract §9).

Pure: the caller brings the time. Normalizing what is already normalized changes nothing, so an
event may pass through here again. Where the contract is silent:

* A text is read as a number, boolean, timestamp or day count only when all of it is one, blanks
  included (``" 12"`` stays), and it is no longer than 64 characters. A text that was cut is far
  longer than that, so what is left of it is never read as anything else.
* At most 15 digits: those before an exponent are counted. ``"1e400"`` stays a text, for its number
  is infinite. A whole number of more than 64 bits is stored as its digits: none is lost.
* Unix seconds and milliseconds go by the name of the property, or of the key inside a hash; so do
  array items.
* ``"+9999999d"``, beyond the year 9999, stays a text.
* The property's own value is the first level of hashes. The JSON of a fourth is as it was sent, but for ``"$unset"``.
* A name keeps the first 768 bytes of UTF-8 too.
* Hashes and arrays inside each other more than 100 deep are refused.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import isfinite
from typing import Final, Literal, NamedTuple, TypeAlias, cast

import msgspec

from schemas.errors import InvalidValue
from schemas.property_limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_HASH_LEVELS,
    MAX_NAMES,
    NEVER_OVER,
    cut,
)
from schemas.property_names import IDENTIFIERS, NOT_SETTABLE, normalize_name
from schemas.timestamps import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    MILLISECONDS_PER_DAY,
    format_timestamp,
    parse_stored_timestamp,
    parse_timestamp,
)

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
"""A stored property value: any JSON value."""

UNSET: Final = "$unset"
"""As the value of a property, removes the property; inside a hash, leaves the name out (contract §3, §9)."""

_LONGEST_LITERAL: Final = 64
_UNIX_SECONDS: Final = (100_000_000, 2_000_000_000)  # 1973 to 2033
_UNIX_MILLISECONDS: Final = (100_000_000_000, 2_000_000_000_000)

_SECRET_NAME: Final = "account_secret"  # noqa: S105  (a name, no secret)
_A_NAME: Final = "a property name"
_NAMELESS: Final = "a property without a name"
_BAD_TEXT: Final = "holds a control character (below U+0020) or a lone surrogate"
_NOT_JSON: Final = "is not a JSON value"


class Normalized(NamedTuple):
    """What :func:`normalize` gives."""

    properties: dict[str, Value]
    """By normalized name, in order of first sight."""
    unset: list[str]
    """Names whose value was ``"$unset"``."""
    ignored: list[str]
    """Names that the hook cannot set."""


def normalize(raw: Mapping[str, object], now: int) -> Normalized:
    """Normalize the properties of one write (contract §9). `now` is in Unix milliseconds.

    The caller has taken out ``uid``, ``email`` and the like under exactly these names. Another
    spelling, ``Email`` or ``companyId``, means the same: its value is handed back unconverted and
    uncut under the normalized name, ``"$unset"`` included, for the caller to treat as if sent
    under it. A spelling of ``account_secret`` is dropped.

    Raises InvalidValue for control characters and lone surrogates, wherever they are, for what
    no JSON says, and for more than `MAX_NAMES` names.
    """
    if len(raw) > MAX_NAMES:
        raise InvalidValue("the object", f"must have at most {MAX_NAMES} names")
    properties: dict[str, Value] = {}
    unset: dict[str, None] = {}
    ignored: dict[str, None] = {}
    for raw_name, value in raw.items():
        # What most names and values are is asked for here: a call costs as much as the answer.
        name, fate = (_named_short if len(raw_name) <= _SHORT else _judge_name)(raw_name)
        is_text = type(value) is str
        if not is_text:
            _check(value, name or _NAMELESS)
        elif not value.isprintable() and not check_text(value):
            raise InvalidValue(name or _NAMELESS, _BAD_TEXT)
        if fate == "stored":
            if value == UNSET:
                properties.pop(name, None)
                unset[name] = None
                continue
            if unset:
                unset.pop(name, None)
            properties[name] = (
                _from_text(value, name, now) if is_text else _stored(value, name, now)
            )
        elif fate == "identifier":
            properties[name] = cast("Value", value)
        elif fate == "ignored":
            ignored[name] = None
    return Normalized(properties, list(unset), list(ignored))


def normalize_scalar(value: str | float | None, name: str, now: int) -> str | float | None:
    """What is stored for a text, number, boolean or null under this normalized name (contract §9).

    Raises InvalidValue like :func:`normalize`.
    """
    _check_scalar(value, name)
    return cast("str | float | None", _stored(value, name, now))


def check_text(text: str) -> bool:
    """Whether `text` is free of lone surrogates and of control characters other than \\t, \\n, \\r.

    The rule of contract §9 for names and values, uid and email too.
    """
    return text.isprintable() or _FORBIDDEN.search(text) is None


_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


# --- names, and what becomes of their values


_Fate: TypeAlias = Literal["stored", "identifier", "ignored", "dropped"]


def _judge_name(raw_name: str) -> tuple[str, _Fate]:
    """The normalized name and what becomes of its value. Raises InvalidValue."""
    if not check_text(raw_name):
        raise InvalidValue(_A_NAME, _BAD_TEXT)
    name = normalize_name(raw_name)
    if name in IDENTIFIERS:
        return name, "identifier"
    if name in NOT_SETTABLE:
        return name, "ignored"
    return name, "dropped" if name in {"", _SECRET_NAME} else "stored"


_SHORT: Final = MAX_BYTES // 3
_named_short = lru_cache(maxsize=8192)(_judge_name)


# --- what is refused


_Container: TypeAlias = dict[object, object] | list[object]


def _check(value: object, place: str) -> None:
    if isinstance(value, (dict, list)):
        _check_members(cast("_Container", value), place)
    else:
        _check_scalar(value, place)


def _check_members(outermost: _Container, place: str) -> None:
    """Refuse names and scalars at any depth, level by level: a deep value needs no deep stack."""
    containers = [outermost]
    for _ in range(MAX_DEPTH):
        inner: list[_Container] = []
        for container in containers:
            if isinstance(container, dict):
                _check_names(container, place)
                members = container.values()
            else:
                members = container
            for member in members:
                if isinstance(member, (dict, list)):
                    inner.append(cast("_Container", member))
                else:
                    _check_scalar(member, place)
        if not inner:
            return
        containers = inner
    raise InvalidValue(place, f"has hashes and arrays more than {MAX_DEPTH} deep")


def _check_names(names: Iterable[object], place: str) -> None:
    for name in names:
        if not isinstance(name, str):
            raise InvalidValue(place, _NOT_JSON)
        if not check_text(name):
            raise InvalidValue(f"a name inside {place}", _BAD_TEXT)


def _check_scalar(value: object, place: str) -> None:
    if isinstance(value, str):
        if not check_text(value):
            raise InvalidValue(place, _BAD_TEXT)
    elif isinstance(value, float):
        if not isfinite(value):
            raise InvalidValue(place, "is a number that JSON cannot say")
    elif not isinstance(value, int) and value is not None:
        raise InvalidValue(place, _NOT_JSON)


# --- values, checked before


def _stored(value: object, name: str, now: int, level: int = 1) -> Value:
    """The stored form of a value that was checked, `level` hashes deep."""
    if isinstance(value, str):
        return _from_text(value, name, now)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _from_number(value, name)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [
            _stored(item, name, now)
            for item in items
            if item is not None and not isinstance(item, (list, dict))
        ]
    return _from_hash(cast("dict[str, object]", value), now, level)


def _from_hash(members: dict[str, object], now: int, level: int) -> Value:
    if level > MAX_HASH_LEVELS:
        return cut(msgspec.json.encode(_without_unset(members)).decode())
    kept: dict[str, Value] = {}
    for raw_name, value in members.items():
        name = normalize_name(raw_name)
        if value == UNSET:
            kept.pop(name, None)
        elif name:
            kept[name] = _stored(value, name, now, level + 1)
    return kept


def _without_unset(value: object) -> object:
    """A value without the names, in hashes at any depth, whose value is ``"$unset"``."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {name: _without_unset(member) for name, member in members if member != UNSET}
    if isinstance(value, list):
        return [_without_unset(item) for item in cast("list[object]", value)]
    return value


def _from_number(number: float, name: str) -> Value:
    if name == "created" or name.endswith(("_at", "_time")):
        if _UNIX_SECONDS[0] <= number <= _UNIX_SECONDS[1]:
            return format_timestamp(round(number * 1000))
        if _UNIX_MILLISECONDS[0] <= number <= _UNIX_MILLISECONDS[1]:
            return format_timestamp(round(number))
    if isinstance(number, int) and number.bit_length() > 63 and number != -(1 << 63):
        return cut(str(number))
    return number


def _from_text(text: str, name: str, now: int) -> Value:
    if text[:1] not in _CONVERTIBLE or len(text) > _LONGEST_LITERAL:
        return text if len(text) <= NEVER_OVER else cut(text)
    if (constant := _BOOLEANS.get(text)) is not None:
        return constant
    if parse_stored_timestamp(text) is not None:
        return text  # as it would be written; most timestamps are sent so
    if (number := _number(text)) is not None:
        return _from_number(number, name)
    moment = now if text == "$now" else parse_timestamp(text)
    if moment is None:
        moment = _days_from(text, now)
    return text if moment is None else format_timestamp(moment)


_CONVERTIBLE: Final = frozenset("0123456789-+$tf")  # what a text that is converted begins with
_BOOLEANS: Final = {"true": True, "false": False}


def _number(text: str) -> float | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    if match[1] is None:
        return int(text)
    number = float(text)
    return number if isfinite(number) else None


# A number as JSON writes it, of at most 15 digits before its exponent. The group: what makes it a
# fraction, none in a whole number.
_NUMBER: Final = re.compile(
    r"-?(?=(?:[0-9]\.?){1,15}(?![0-9.]))"
    r"(?:0|[1-9][0-9]*)"
    r"(\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)?"
)


def _days_from(text: str, now: int) -> int | None:
    """`now` and so many days, for ``+30d`` and ``-7d``; None when it is neither or out of range."""
    if _DAYS.fullmatch(text) is None:
        return None
    moment = now + int(text[:-1]) * MILLISECONDS_PER_DAY
    return moment if FIRST_TIMESTAMP <= moment <= LAST_TIMESTAMP else None


_DAYS: Final = re.compile(r"[+-][0-9]{1,7}d")
