"""From filters to the condition that they stand for: groups, negations, and what they may cost (contract §6, §11).

What each op asks is `schemas.search.operators`'.
"""

from collections.abc import Iterator
from typing import Final

from schemas.errors import Unprocessable
from schemas.search.conditions import (
    COMPANY,
    AllOf,
    AnyOf,
    Condition,
    Not,
)
from schemas.search.grammar import (
    EventFilter,
    Filter,
    Filters,
    GroupFilter,
    Op,
    PropertyFilter,
)
from schemas.search.operators import (
    LIST_OPS,
    NEGATIONS,
    NO_VALUE,
    SUBSTRING_OPS,
    on_event,
    on_property,
)

MAX_VALUES: Final = 1000
"""Values of all `in-v` and `nin-v` of a request."""

MAX_SUBSTRINGS: Final = 5
"""Filters of a request that search for a substring: each may cost a second."""


def condition_of(filters: Filters, now: int) -> Condition:
    """The condition of a whole request. `now` is in Unix milliseconds.

    Raises `Unprocessable` that names the filter whose value its op cannot use.
    """
    _check_cost(list(_leaves(filters.filters)))
    return _joined(filters.filters, filters.filters_op, "filters", now)


def about_companies(filters: Filters) -> Filters:
    """The filters of a list of companies, as filters of profiles that reach into their company.

    Raises `Unprocessable` for a filter of tracked events, which a company has none of (contract §10).
    """
    reaching = _reaching(filters.filters, "filters")
    return filters.model_copy(update={"filters": reaching})


def _reaching(filters: list[Filter], filter_path: str) -> list[Filter]:
    return [_reach(filter_, f"{filter_path}[{index}]") for index, filter_ in enumerate(filters)]


def _reach(filter_: Filter, filter_path: str) -> Filter:
    match filter_:
        case PropertyFilter():
            return filter_.model_copy(update={"prop": f"{COMPANY}.{filter_.prop}"})
        case GroupFilter():
            inner = _reaching(filter_.filters, f"{filter_path}.filters")
            return filter_.model_copy(update={"filters": inner})
        case EventFilter():
            raise Unprocessable(f"{filter_path}.kind: send 'property' or 'group'")


def _check_cost(leaves: list[PropertyFilter]) -> None:
    if sum(leaf.op in SUBSTRING_OPS for leaf in leaves) > MAX_SUBSTRINGS:
        raise Unprocessable(f"filters: send at most {MAX_SUBSTRINGS} that look for a substring")
    lists = [leaf.value for leaf in leaves if leaf.op in LIST_OPS and isinstance(leaf.value, str)]
    if sum(value.count(",") + 1 for value in lists) > MAX_VALUES:
        raise Unprocessable(f"filters: send at most {MAX_VALUES} values in in-v and nin-v")


def _leaves(filters: list[Filter]) -> Iterator[PropertyFilter]:
    for filter_ in filters:
        if isinstance(filter_, PropertyFilter):
            yield filter_
        elif isinstance(filter_, GroupFilter):
            yield from _leaves(filter_.filters)


def _joined(filters: list[Filter], op: Op, filter_path: str, now: int) -> Condition:
    conditions = tuple(
        _condition(filter_, f"{filter_path}[{index}]", now) for index, filter_ in enumerate(filters)
    )
    if not conditions or op == "and":
        return AllOf(conditions)
    return AnyOf(conditions)


def _condition(filter_: Filter, filter_path: str, now: int) -> Condition:
    if isinstance(filter_, GroupFilter):
        return _joined(filter_.filters, filter_.filters_op, f"{filter_path}.filters", now)
    positive = NEGATIONS.get(filter_.op)
    op = positive or filter_.op
    if isinstance(filter_, EventFilter):
        condition = on_event(filter_.prop, op, filter_.value, filter_path, now)
    else:
        value = filter_.value if filter_.has_value else NO_VALUE
        condition = on_property(filter_.prop, op, value, filter_path, now)
    return condition if positive is None else Not(condition)
