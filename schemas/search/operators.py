"""The operators of filters: which there are, and the condition that each stands for (contract §6, §11).

A negative one is `Not` of its positive twin, so only positive ones are here. Values are normalized like stored ones,
by the name that they are compared with; `now`, in Unix milliseconds, fixes what ``gt-d``, ``lt-d``, ``$now`` and
``-7d`` mean for the whole request. `filter_path` is where a filter stands in the request: ``filters[0].filters[1]``.
What a condition finds is `schemas.search.conditions`'.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, cast

from schemas.errors import InvalidValue, Unprocessable
from schemas.identifiers import fold_email, fold_email_part, uid_text
from schemas.normalization import check_text, normalize_scalar
from schemas.property_limits import MAX_BYTES, MAX_HASH_LEVELS
from schemas.property_names import normalize_name
from schemas.search.conditions import (
    COMPANY,
    AllOf,
    AnyOf,
    Compares,
    Comparison,
    Condition,
    Contains,
    Exists,
    Happened,
    HappenedLast,
    HappenedOften,
    HasItem,
    IsNull,
    Moment,
    Not,
    OneOf,
    Path,
    Scalar,
)
from schemas.search.numbers import asked_number
from schemas.timestamps import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    MILLISECONDS_PER_DAY,
    parse_stored_timestamp,
)

PropertyOp: TypeAlias = Literal[
    "ex", "nx", "eq", "ne", "gt", "gte", "lt", "lte", "gt-d", "lt-d",
    "in", "nin", "in-i", "nin-i", "in-v", "nin-v", "in-a", "nin-a",
]  # fmt: skip
EventOp: TypeAlias = Literal["ex", "nx", "eq", "ne", "gt", "gte", "lt", "lte", "gt-d", "lt-d"]

NO_VALUE: Final = object()
"""In place of the value of a filter that has none; null is one."""

MAX_SUBSTRING: Final = 64
"""Characters of the substring of `in`, `nin`, `in-i` and `nin-i`: what bounds its cost."""

EMAIL: Final = ("email",)
"""The path that is compared folded (contract §3)."""

# What a hook takes, and a document holds under another name.
_AS_SENT: Final[Mapping[Path, Path]] = {("company_uid",): (COMPANY, "uid")}
_LONGEST_PATH: Final = 2 + MAX_HASH_LEVELS  # the company, its property, and hashes in that

NEGATIONS: Final = {
    "nx": "ex",
    "ne": "eq",
    "nin": "in",
    "nin-i": "in-i",
    "nin-v": "in-v",
    "nin-a": "in-a",
}
SUBSTRING_OPS: Final = ("in", "nin", "in-i", "nin-i")
LIST_OPS: Final = ("in-v", "nin-v")
_COMPARISONS: Final = {comparison.value: comparison for comparison in Comparison}
_DAYS: Final = {"gt-d": Comparison.GREATER, "lt-d": Comparison.LESS}


def is_identifier(path: Path) -> bool:
    """Whether what stands there is a text, never converted: who is meant, not a property."""
    match path:
        case ("id" | "uid" | "email" | "company_id" | "company_uid",):
            return True
        case ("company", "id" | "uid" | "email"):
            return True
        case _:
            return False


# --- properties


def on_property(prop: str, op: str, value: object, filter_path: str, now: int) -> Condition:
    """The condition of a positive op on a property; `value` is `NO_VALUE` where none was sent.

    Raises `Unprocessable` that names the filter whose value, or name, the op cannot use.
    """
    path = _path(prop, filter_path)
    if op == "ex":
        return Exists(path)
    filter_path = f"{filter_path}.value"
    if value is NO_VALUE:
        raise Unprocessable(f"{filter_path}: send a value for this op")
    if op in _DAYS:
        return Compares(path, _DAYS[op], _days_ago(value, filter_path, now))
    match op:
        case "in" | "in-i":
            return Contains(path, _needle(value, path, filter_path), ignore_case=op == "in-i")
        case "in-v":
            return OneOf(path, _listed(value, path, filter_path, now))
        case "in-a":
            items = tuple(HasItem(path, each) for each in _meanings(value, path, filter_path, now))
            return items[0] if len(items) == 1 else AnyOf(items)
        case "eq":
            if value is None:
                return IsNull(path)
            return OneOf(path, _meanings(value, path, filter_path, now))
        case _:
            return _compares(value, path, _COMPARISONS[op], filter_path, now)


def _path(prop: str, filter_path: str) -> Path:
    parts = prop.split(".", _LONGEST_PATH)
    path = tuple(map(normalize_name, parts)) if len(parts) <= _LONGEST_PATH else ()
    if not path or not all(path):
        raise Unprocessable(
            f"{filter_path}.prop: send a name, or names joined by dots as in company.name"
        )
    return _AS_SENT.get(path, path)


def _scalar(value: object, path: Path, filter_path: str, now: int) -> Scalar:
    """The stored form of a value to compare with."""
    if is_identifier(path):
        return _identifier(value, path, filter_path)
    if value is None or not isinstance(value, (str, int, float)):
        raise Unprocessable(f"{filter_path}: send a string, a number or a boolean")
    try:
        stored = normalize_scalar(value, path[-1], now)
    except InvalidValue as error:
        raise Unprocessable(f"{filter_path}: {error.reason}") from None
    moment = parse_stored_timestamp(stored) if isinstance(stored, str) else None
    return cast("Scalar", stored) if moment is None else Moment(moment)


def _identifier(value: object, path: Path, filter_path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Unprocessable(f"{filter_path}: send a string or a whole number")
    if isinstance(value, int) and value.bit_length() > 4 * MAX_BYTES:
        raise Unprocessable(f"{filter_path}: send at most {MAX_BYTES} digits")
    text = uid_text(value)
    _check(text, filter_path)
    return fold_email(text) if path == EMAIL else text


def _check(text: str, filter_path: str) -> None:
    if not check_text(text):
        raise Unprocessable(f"{filter_path}: send no control character and no lone surrogate")


def _meanings(value: object, path: Path, filter_path: str, now: int) -> tuple[Scalar, ...]:
    """What a value equals: its stored form, and the number that it spells, whatever the number of its digits."""
    stored = _scalar(value, path, filter_path, now)
    is_text = isinstance(stored, str) and not is_identifier(path)
    if not is_text or (number := asked_number(stored)) is None:
        return (stored,)
    as_number = _scalar(number, path, filter_path, now)
    return stored, (number if isinstance(as_number, str) else as_number)


def _compares(
    value: object, path: Path, comparison: Comparison, filter_path: str, now: int
) -> Condition:
    """Of a text that spells a number: numbers are compared with the number, and what is text alone with the text."""
    meanings = () if value is None else _meanings(value, path, filter_path, now)
    conditions = tuple(
        Compares(path, comparison, meaning) for meaning in meanings if not isinstance(meaning, bool)
    )
    match conditions:
        case (only,):
            return only
        case (as_text, as_number):
            return AnyOf((as_number, AllOf((as_text, Not(_is_number(path))))))
        case _:
            raise Unprocessable(
                f"{filter_path}: send a number, a string or a timestamp to compare with"
            )


def _is_number(path: Path) -> Condition:
    return AnyOf(
        (Compares(path, Comparison.GREATER_OR_EQUAL, 0), Compares(path, Comparison.LESS, 0))
    )


def _needle(value: object, path: Path, filter_path: str) -> str:
    """A substring is taken as it is; in emails, which are folded, it is folded too."""
    if not isinstance(value, str):
        raise Unprocessable(f"{filter_path}: send a string to look for")
    _check(value, filter_path)
    needle = value
    if path == EMAIL and len(value) <= MAX_SUBSTRING:
        needle = fold_email_part(value)
    if max(len(value), len(needle)) > MAX_SUBSTRING:
        raise Unprocessable(f"{filter_path}: send at most {MAX_SUBSTRING} characters to look for")
    return needle


def _listed(value: object, path: Path, filter_path: str, now: int) -> tuple[Scalar, ...]:
    if not isinstance(value, str):
        raise Unprocessable(f"{filter_path}: send a string of values with commas between them")
    texts = dict.fromkeys(text for part in value.split(",") if (text := part.strip()))
    if not texts:
        raise Unprocessable(f"{filter_path}: send at least one value")
    return tuple(each for text in texts for each in _meanings(text, path, filter_path, now))


def _days_ago(value: object, filter_path: str, now: int) -> Moment:
    days = asked_number(value)
    if days is None:
        raise Unprocessable(f"{filter_path}: send a number of days")
    ms = now - days * MILLISECONDS_PER_DAY
    # Just outside of all timestamps, so that the first and the last compare like any other.
    return Moment(round(max(FIRST_TIMESTAMP - 1, min(LAST_TIMESTAMP + 1, ms))))


# --- tracked events


def on_event(prop: str, op: str, value: object, filter_path: str, now: int) -> Condition:
    """The condition of a positive op on a tracked event.

    An event that never happened happened 0 times, and has no last time.

    Raises `Unprocessable` that names the filter whose value, or name, the op cannot use.
    """
    name = normalize_name(prop)
    if not name:
        raise Unprocessable(f"{filter_path}.prop: send the name of an event")
    if op == "ex":
        return Happened(name)
    filter_path = f"{filter_path}.value"
    if op in _DAYS:
        return HappenedLast(name, _DAYS[op], _days_ago(value, filter_path, now))
    count = asked_number(value)
    if count is None:
        raise Unprocessable(f"{filter_path}: send a number of times")
    if op == "eq":
        parts = (Comparison.GREATER_OR_EQUAL, Comparison.LESS_OR_EQUAL)
        return AllOf(tuple(_often(name, part, count) for part in parts))
    return _often(name, _COMPARISONS[op], count)


def _often(name: str, comparison: Comparison, count: float) -> Condition:
    often = HappenedOften(name, comparison, count)
    return AnyOf((often, Not(Happened(name)))) if comparison.operator(0, count) else often
