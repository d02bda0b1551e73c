"""Whether a condition holds for a company: they are few, and need no index."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

from schemas.identifiers import uid_text
from schemas.search.conditions import (
    COMPANY,
    AllOf,
    AnyOf,
    Compares,
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
    OnProperty,
    Path,
    Scalar,
)
from schemas.search.meaning import is_identifier
from schemas.timestamps import parse_stored_timestamp

_Stored: TypeAlias = Any  # any JSON value
_Hash: TypeAlias = Mapping[str, _Stored]
_MISSING: Final = object()


def meets(condition: Condition, document: _Hash) -> bool:
    """Whether a company's document meets a condition on its own properties (`conditions.inside`)."""
    match condition:
        case AllOf(conditions):
            return all(meets(each, document) for each in conditions)
        case AnyOf(conditions):
            return any(meets(each, document) for each in conditions)
        case Not(inner):
            return not meets(inner, document)
        case Happened() | HappenedOften() | HappenedLast():
            return False  # nothing is tracked of a company
        case _:
            return holds(condition, document)


def holds(condition: OnProperty, document: _Hash) -> bool:
    """Whether a company's document, as a read shows it, meets the condition (contract §6).

    The condition's path begins inside the company: ``("name",)``.
    """
    value = _at(document, condition.path)
    scalar = value if is_identifier((COMPANY, *condition.path)) else _scalar(value)
    match condition:
        case Exists():
            return value is not _MISSING
        case IsNull():
            return value is None
        case OneOf(_, values):
            return any(_same(scalar, wanted) for wanted in values)
        case Compares(_, comparison, bound):
            pair = _comparable(scalar, bound)
            return pair is not None and comparison.holds(*pair)
        case Contains(_, text, ignore_case):
            return isinstance(scalar, str) and _contains(scalar, text, ignore_case=ignore_case)
        case HasItem(_, wanted):
            items = cast("list[_Stored]", value) if isinstance(value, list) else []
            return any(_same(_scalar(item), wanted) for item in items)


def _at(document: _Hash, path: Path) -> _Stored:
    value: _Stored = document
    for name in path:
        if not isinstance(value, dict):
            return _MISSING
        value = cast("dict[str, _Stored]", value).get(name, _MISSING)
    if value is not _MISSING and value is not None and is_identifier((COMPANY, *path)):
        return uid_text(value)
    return value


def _scalar(value: _Stored) -> Scalar | None:
    """A stored value in the form of conditions; None for null, arrays, hashes and nothing."""
    if isinstance(value, str):
        moment = parse_stored_timestamp(value)
        return value if moment is None else Moment(moment)
    return value if isinstance(value, (bool, int, float)) else None


def _same(value: Scalar | None, wanted: Scalar) -> bool:
    """Equal, and of one kind: true is not 1."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _comparable(value: Scalar | None, bound: Scalar) -> tuple[float | str, float | str] | None:
    if isinstance(value, Moment) and isinstance(bound, Moment):
        return value.ms, bound.ms
    if isinstance(value, str) and isinstance(bound, str):
        return value, bound
    if (
        isinstance(value, (int, float))
        and isinstance(bound, (int, float))
        and not isinstance(value, bool)
    ):
        return value, bound
    return None


def _contains(text: str, part: str, *, ignore_case: bool) -> bool:
    if not ignore_case:
        return part in text
    # Between the characters something that none folds to, so that "ss" is not found in "ß".
    folded, wanted = ("\0".join(map(str.casefold, each)) for each in (text, part))
    return f"\0{wanted}\0" in f"\0{folded}\0" if part else True
