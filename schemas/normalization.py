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
from functools import cache, lru_cache
from math import isfinite
from typing import Final, Literal, NamedTuple, TypeAlias, cast
from unicodedata import category

import msgspec

from schemas.composition import character_ranges, combining_marks, compose
from schemas.errors import InvalidValue
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

IDENTIFIERS: Final = frozenset({"uid", "email", "company_uid", "company_id"})
"""Names whose values say who is meant; never converted."""

NOT_SETTABLE: Final = frozenset(
    {"id", "created_at", "updated_at", "percent", "company", "last_cleared_at"}
)
"""Names that only the service sets."""

MAX_BYTES: Final = 768
"""UTF-8 bytes that are kept of each scalar, array item, hash value and name."""

MAX_NAMES: Final = 20_000
"""Names of one write; with more, folding it would hold the loop for too long."""

MAX_HASH_LEVELS: Final = 3
MAX_DEPTH: Final = 100
"""Hashes and arrays inside each other; beyond, a property is refused."""

_NEVER_OVER: Final = MAX_BYTES // 4  # so many characters always fit
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
        name, fate = _named(raw_name)
        if type(value) is str:
            if not check_text(value):
                raise InvalidValue(name or _NAMELESS, _BAD_TEXT)
        else:
            _check(value, name or _NAMELESS)
        if fate == "stored":
            if value == UNSET:
                properties.pop(name, None)
                unset[name] = None
                continue
            if unset:
                unset.pop(name, None)
            properties[name] = _stored(value, name, now)
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


# --- names


def normalize_name(name: str) -> str:
    """`name` as it is stored (contract §9); "" when nothing is left.

    Words are joined by ``_`` and lower-cased. A word is letters and digits of any script, with
    their accents (composed, NFC); emoji and the rest separate words. Inside a run of letters a new
    word begins:

    * at a capital after a small letter, when another letter follows: ``userRole``, ``userID``,
      but ``ImporteD leads`` is ``imported_leads``;
    * at the last capital of several, when a small letter follows: ``HTTPServer`` is
      ``http_server``, but for a plural: ``userIDs`` is ``user_ids``;
    * at a capital after a digit, when a small letter follows: ``line2Street`` is
      ``line2_street``, ``B2B`` is ``b2b``.
    """
    if len(name) <= MAX_BYTES // 3:
        return _normalize_short_name(name)
    return _join_words(_head(name) if len(name) > _LONG_NAME else name)


def _join_words(name: str) -> str:
    if _NORMALIZED.fullmatch(name) and len(name) <= MAX_BYTES:
        return name
    name = compose(name)
    shape = "".join(map(_kind, name))
    words = [name[word.start() : word.end()] for word in _WORD.finditer(shape)]
    joined = compose("_".join(words).lower())
    return _cut(joined).rstrip("_")


_NORMALIZED: Final = re.compile(r"[a-z0-9]++(?:_[a-z0-9]++)*+")  # most names are, and stay so


# Bounded in number and, as long names go around it, in bytes.
_normalize_short_name = lru_cache(maxsize=8192)(_join_words)


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    """One letter for what a character is in a name: Upper, lower, s, digit, mark, or a blank."""
    if character.isalpha():
        if character == "s":
            return "s"
        return "l" if character.lower() == character else "U"
    if character.isalnum():
        return "d"
    return "m" if _is_mark(character) else " "


def _is_mark(character: str) -> bool:
    """Whether it is a mark on a letter; a variation selector, which chooses an emoji's look, is none."""
    if category(character) not in ("Mn", "Mc"):
        return False
    return not ("\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef")


_WORD: Final = re.compile(
    r"""[Ulsd][Ulsdm]*?
    (?= (?<=[lsm]) U [Uls]               # user|Role, user|ID
      | (?<=d)     U [ls]                # line2|Street
      | (?<=U)     U (?!s(?![lsm])) [ls] # HTTP|Server; not UR|Ls
      | [ ] | \Z )""",
    re.VERBOSE,
)

# Composing makes one character of four at most (a letter with three marks), and each has a byte at least: so many
# have what fills a name, and what is looked ahead at to find its words.
_LONG_NAME: Final = 4 * (MAX_BYTES + 256)


def _head(name: str) -> str:
    """The words of a long name, or so many of them that what comes behind them cannot be in its normalized form.

    (But for the form of a Greek sigma with more than 1,000 modifier letters behind it in one word.)
    """
    words: list[str] = []
    missing = _LONG_NAME
    for word in _long_words().finditer(name.replace("_", " ")):
        words.append(word[0])
        missing -= len(word[0]) + 1
        if missing < 0:
            break
    head = " ".join(words)
    # Not in the middle of marks: one of the last may be what composes with the letter.
    behind = _marks_behind().match(head, _LONG_NAME)
    return head if behind is None else head[: behind.end()]


@cache
def _long_words() -> re.Pattern[str]:
    marks = character_ranges(_is_mark)
    return re.compile(rf"\w[\w{marks}]*")


@cache
def _marks_behind() -> re.Pattern[str]:
    return re.compile(f"[{combining_marks()}\u0f73\u0f75\u0f81]*")


_Fate: TypeAlias = Literal["stored", "identifier", "ignored", "dropped"]


def _named(raw_name: str) -> tuple[str, _Fate]:
    """The normalized name and what becomes of its value. Raises InvalidValue."""
    return _named_short(raw_name) if len(raw_name) <= MAX_BYTES // 3 else _judge_name(raw_name)


def _judge_name(raw_name: str) -> tuple[str, _Fate]:
    if not check_text(raw_name):
        raise InvalidValue(_A_NAME, _BAD_TEXT)
    name = normalize_name(raw_name)
    if name in IDENTIFIERS:
        return name, "identifier"
    if name in NOT_SETTABLE:
        return name, "ignored"
    return name, "dropped" if name in {"", _SECRET_NAME} else "stored"


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
        return _cut(msgspec.json.encode(_without_unset(members)).decode())
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
        return _cut(str(number))
    return number


def _from_text(text: str, name: str, now: int) -> Value:
    if text[:1] not in _CONVERTIBLE or len(text) > _LONGEST_LITERAL:
        return text if len(text) <= _NEVER_OVER else _cut(text)
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


def _cut(text: str) -> str:
    """The first 768 bytes of UTF-8, cut at a character."""
    if len(text) <= _NEVER_OVER:
        return text
    return text[:MAX_BYTES].encode()[:MAX_BYTES].decode(errors="ignore")
