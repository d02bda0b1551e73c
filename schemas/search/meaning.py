"""From filters to the condition that they stand for (contract §6, §11).

Values are normalized like stored ones, by the name that they are compared with; `now` fixes what
``gt-d``, ``lt-d``, ``$now`` and ``-7d`` mean for the whole request.
"""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from schemas.errors import InvalidValue, Unprocessable
from schemas.identifiers import fold_email, fold_email_part, uid_text
from schemas.normalization import (
    MAX_BYTES,
    MAX_HASH_LEVELS,
    check_text,
    normalize_name,
    normalize_scalar,
)
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
from schemas.search.grammar import (
    EventFilter,
    Filter,
    Filters,
    GroupFilter,
    Op,
    PropertyFilter,
)
from schemas.search.numbers import asked_number
from schemas.timestamps import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    MILLISECONDS_PER_DAY,
    parse_stored_timestamp,
)

MAX_VALUES: Final = 1000
"""Values of all `in-v` and `nin-v` of a request."""

MAX_SUBSTRINGS: Final = 5
"""Filters of a request that look for a substring: each may cost a second."""

MAX_SUBSTRING: Final = 64
"""Characters of the substring of `in`, `nin`, `in-i` and `nin-i`: what bounds its cost."""

EMAIL: Final = ("email",)
"""The path that is compared folded (contract §3)."""

# What a hook takes, and a document holds under another name.
_AS_SENT: Final[Mapping[Path, Path]] = {("company_uid",): (COMPANY, "uid")}
_LONGEST_PATH: Final = 2 + MAX_HASH_LEVELS  # the company, its property, and hashes in that
_NEGATIONS: Final = {
    "nx": "ex",
    "ne": "eq",
    "nin": "in",
    "nin-i": "in-i",
    "nin-v": "in-v",
    "nin-a": "in-a",
}
_SUBSTRING_OPS: Final = ("in", "nin", "in-i", "nin-i")
_LIST_OPS: Final = ("in-v", "nin-v")
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


def condition_of(filters: Filters, now: int) -> Condition:
    """The condition of a whole request. `now` is in Unix milliseconds.

    Raises `Unprocessable` that names the place of a value that its op cannot use.
    """
    _check_cost(list(_leaves(filters.filters)))
    return _joined(filters.filters, filters.filters_op, "filters", now)


def about_companies(filters: Filters) -> Filters:
    """The filters of a list of companies, as filters of profiles that reach into their company.

    Raises `Unprocessable` for a filter of tracked events, which a company has none of (contract §10).
    """
    reaching = _reaching(filters.filters, "filters")
    return filters.model_copy(update={"filters": reaching})


def _reaching(filters: list[Filter], place: str) -> list[Filter]:
    return [_reach(filter_, f"{place}[{index}]") for index, filter_ in enumerate(filters)]


def _reach(filter_: Filter, place: str) -> Filter:
    match filter_:
        case PropertyFilter():
            return filter_.model_copy(update={"prop": f"{COMPANY}.{filter_.prop}"})
        case GroupFilter():
            inner = _reaching(filter_.filters, f"{place}.filters")
            return filter_.model_copy(update={"filters": inner})
        case EventFilter():
            raise Unprocessable(f"{place}.kind: send 'property' or 'group'")


def _check_cost(leaves: list[PropertyFilter]) -> None:
    if sum(leaf.op in _SUBSTRING_OPS for leaf in leaves) > MAX_SUBSTRINGS:
        raise Unprocessable(f"filters: send at most {MAX_SUBSTRINGS} that look for a substring")
    lists = [leaf.value for leaf in leaves if leaf.op in _LIST_OPS and isinstance(leaf.value, str)]
    if sum(value.count(",") + 1 for value in lists) > MAX_VALUES:
        raise Unprocessable(f"filters: send at most {MAX_VALUES} values in in-v and nin-v")


def _leaves(filters: list[Filter]) -> Iterator[PropertyFilter]:
    for filter_ in filters:
        if isinstance(filter_, PropertyFilter):
            yield filter_
        elif isinstance(filter_, GroupFilter):
            yield from _leaves(filter_.filters)


def _joined(filters: list[Filter], op: Op, place: str, now: int) -> Condition:
    conditions = tuple(
        _condition(filter_, f"{place}[{index}]", now) for index, filter_ in enumerate(filters)
    )
    if not conditions or op == "and":
        return AllOf(conditions)
    return AnyOf(conditions)


def _condition(filter_: Filter, place: str, now: int) -> Condition:
    if isinstance(filter_, GroupFilter):
        return _joined(filter_.filters, filter_.filters_op, f"{place}.filters", now)
    positive = _NEGATIONS.get(filter_.op)
    op = positive or filter_.op
    if isinstance(filter_, EventFilter):
        condition = _on_event(filter_, op, place, now)
    else:
        condition = _on_property(filter_, op, place, now)
    return condition if positive is None else Not(condition)


# --- properties


def _on_property(filter_: PropertyFilter, op: str, place: str, now: int) -> Condition:
    path = _path(filter_.prop, place)
    if op == "ex":
        return Exists(path)
    place = f"{place}.value"
    value = filter_.value
    if not filter_.has_value:
        raise Unprocessable(f"{place}: send a value for this op")
    if op in _DAYS:
        return Compares(path, _DAYS[op], _days_ago(value, place, now))
    match op:
        case "in" | "in-i":
            return Contains(path, _needle(value, path, place), ignore_case=op == "in-i")
        case "in-v":
            return OneOf(path, _listed(value, path, place, now))
        case "in-a":
            items = tuple(HasItem(path, each) for each in _meanings(value, path, place, now))
            return items[0] if len(items) == 1 else AnyOf(items)
        case "eq":
            if value is None:
                return IsNull(path)
            return OneOf(path, _meanings(value, path, place, now))
        case _:
            return _compares(value, path, _COMPARISONS[op], place, now)


def _path(prop: str, place: str) -> Path:
    parts = prop.split(".", _LONGEST_PATH)
    path = tuple(map(normalize_name, parts)) if len(parts) <= _LONGEST_PATH else ()
    if not path or not all(path):
        raise Unprocessable(
            f"{place}.prop: send a name, or names joined by dots as in company.name"
        )
    return _AS_SENT.get(path, path)


def _scalar(value: object, path: Path, place: str, now: int) -> Scalar:
    """The stored form of a value to compare with."""
    if is_identifier(path):
        return _identifier(value, path, place)
    if value is None or not isinstance(value, (str, int, float)):
        raise Unprocessable(f"{place}: send a string, a number or a boolean")
    try:
        stored = normalize_scalar(value, path[-1], now)
    except InvalidValue as error:
        raise Unprocessable(f"{place}: {error.reason}") from None
    moment = parse_stored_timestamp(stored) if isinstance(stored, str) else None
    return cast("Scalar", stored) if moment is None else Moment(moment)


def _identifier(value: object, path: Path, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Unprocessable(f"{place}: send a string or a whole number")
    if isinstance(value, int) and value.bit_length() > 4 * MAX_BYTES:
        raise Unprocessable(f"{place}: send at most {MAX_BYTES} digits")
    text = uid_text(value)
    _check(text, place)
    return fold_email(text) if path == EMAIL else text


def _check(text: str, place: str) -> None:
    if not check_text(text):
        raise Unprocessable(f"{place}: send no control character and no lone surrogate")


def _meanings(value: object, path: Path, place: str, now: int) -> tuple[Scalar, ...]:
    """What a value equals: its stored form, and the number that it spells, whatever the number of its digits."""
    stored = _scalar(value, path, place, now)
    is_text = isinstance(stored, str) and not is_identifier(path)
    if not is_text or (number := asked_number(stored)) is None:
        return (stored,)
    as_number = _scalar(number, path, place, now)
    return stored, (number if isinstance(as_number, str) else as_number)


def _compares(value: object, path: Path, comparison: Comparison, place: str, now: int) -> Condition:
    """Of a text that spells a number: numbers are compared with the number, and what is text alone with the text."""
    meanings = () if value is None else _meanings(value, path, place, now)
    conditions = tuple(
        Compares(path, comparison, meaning) for meaning in meanings if not isinstance(meaning, bool)
    )
    match conditions:
        case (only,):
            return only
        case (as_text, as_number):
            return AnyOf((as_number, AllOf((as_text, Not(_is_number(path))))))
        case _:
            raise Unprocessable(f"{place}: send a number, a string or a timestamp to compare with")


def _is_number(path: Path) -> Condition:
    return AnyOf(
        (Compares(path, Comparison.GREATER_OR_EQUAL, 0), Compares(path, Comparison.LESS, 0))
    )


def _needle(value: object, path: Path, place: str) -> str:
    """A substring is taken as it is; in emails, which are folded, it is folded too."""
    if not isinstance(value, str):
        raise Unprocessable(f"{place}: send a string to look for")
    _check(value, place)
    needle = value
    if path == EMAIL and len(value) <= MAX_SUBSTRING:
        needle = fold_email_part(value)
    if max(len(value), len(needle)) > MAX_SUBSTRING:
        raise Unprocessable(f"{place}: send at most {MAX_SUBSTRING} characters to look for")
    return needle


def _listed(value: object, path: Path, place: str, now: int) -> tuple[Scalar, ...]:
    if not isinstance(value, str):
        raise Unprocessable(f"{place}: send a string of values with commas between them")
    texts = dict.fromkeys(text for part in value.split(",") if (text := part.strip()))
    if not texts:
        raise Unprocessable(f"{place}: send at least one value")
    return tuple(each for text in texts for each in _meanings(text, path, place, now))


def _days_ago(value: object, place: str, now: int) -> Moment:
    days = asked_number(value)
    if days is None:
        raise Unprocessable(f"{place}: send a number of days")
    ms = now - days * MILLISECONDS_PER_DAY
    # Just outside of all timestamps, so that the first and the last compare like any other.
    return Moment(round(max(FIRST_TIMESTAMP - 1, min(LAST_TIMESTAMP + 1, ms))))


# --- tracked events


def _on_event(filter_: EventFilter, op: str, place: str, now: int) -> Condition:
    """An event that never happened happened 0 times, and has no last time."""
    name = normalize_name(filter_.prop)
    if not name:
        raise Unprocessable(f"{place}.prop: send the name of an event")
    if op == "ex":
        return Happened(name)
    place = f"{place}.value"
    if op in _DAYS:
        return HappenedLast(name, _DAYS[op], _days_ago(filter_.value, place, now))
    count = asked_number(filter_.value)
    if count is None:
        raise Unprocessable(f"{place}: send a number of times")
    if op == "eq":
        parts = (Comparison.GREATER_OR_EQUAL, Comparison.LESS_OR_EQUAL)
        return AllOf(tuple(_often(name, part, count) for part in parts))
    return _often(name, _COMPARISONS[op], count)


def _often(name: str, comparison: Comparison, count: float) -> Condition:
    often = HappenedOften(name, comparison, count)
    return AnyOf((often, Not(Happened(name)))) if comparison.operator(0, count) else often
