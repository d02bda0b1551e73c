"""What filters mean: one tree of conditions, in which each meaning has one form only.

A negative op (``ne``, ``nin``, ``nx`` …) is `Not` of its positive twin: it is true where the
property is missing, and on an array or a hash (contract §6). Values are in their stored form.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Normalized names, outermost first: ``("address", "city")``."""

COMPANY: Final = "company"
"""The first name of a path that reaches into the profile's company."""


class Comparison(Enum):
    """How two values of one kind are compared."""

    GREATER = "gt"
    GREATER_OR_EQUAL = "gte"
    LESS = "lt"
    LESS_OR_EQUAL = "lte"

    @property
    def operator(self) -> Callable[[Any, Any], bool]:
        """Whether the first compares so to the second; both are numbers, or both are texts."""
        return _OPERATORS[self]


_OPERATORS: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A timestamp, as a kind of value of its own: Unix milliseconds."""

    ms: int


Scalar: TypeAlias = bool | int | float | str | Moment
Comparable: TypeAlias = int | float | str | Moment


@dataclass(frozen=True, slots=True)
class Exists:
    """The property is there, null included."""

    path: Path


@dataclass(frozen=True, slots=True)
class IsNull:
    """The property is stored as null."""

    path: Path


@dataclass(frozen=True, slots=True)
class OneOf:
    """The property equals one of `values`, a number whatever its JSON spelling."""

    path: Path
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Compares:
    """The property is of the value's kind and compares so. Texts go by code point."""

    path: Path
    comparison: Comparison
    value: Comparable


@dataclass(frozen=True, slots=True)
class Contains:
    """The property is a text that holds `text`, character by character.

    Ignoring case, two characters are the same when each alone case-folds to the same.
    """

    path: Path
    text: str
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class HasItem:
    """The property is an array that has `value`."""

    path: Path
    value: Scalar


@dataclass(frozen=True, slots=True)
class Happened:
    """The user's tracked event of this name happened at least once (contract §11)."""

    name: str


@dataclass(frozen=True, slots=True)
class HappenedOften:
    """How often the event happened compares so to `count`. For `Happened` events only."""

    name: str
    comparison: Comparison
    count: float


@dataclass(frozen=True, slots=True)
class HappenedLast:
    """The event's last time compares so. For `Happened` events only."""

    name: str
    comparison: Comparison
    moment: Moment


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each condition holds; without any, always."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds; without any, never."""

    conditions: "tuple[Condition, ...]"


OnProperty: TypeAlias = Exists | IsNull | OneOf | Compares | Contains | HasItem
OnEvent: TypeAlias = Happened | HappenedOften | HappenedLast
Condition: TypeAlias = OnProperty | OnEvent | Not | AllOf | AnyOf

EVERYBODY: Final = AllOf(())


def inside(condition: Condition) -> Condition:
    """The condition with the first name of each path taken off: what `company.name` asks of a company."""
    match condition:
        case AllOf(conditions):
            return AllOf(tuple(map(inside, conditions)))
        case AnyOf(conditions):
            return AnyOf(tuple(map(inside, conditions)))
        case Not(inner):
            return Not(inside(inner))
        case Happened() | HappenedOften() | HappenedLast():
            return condition
        case _:
            return replace(condition, path=condition.path[1:])
