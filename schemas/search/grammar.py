"""The filters of a request, by their shape (contract §6, §11).

What an op is and does with its value is `schemas.search.operators`'.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from schemas.errors import Unprocessable
from schemas.search.operators import EventOp, PropertyOp

MAX_FILTERS: Final = 100
"""Filters of one request, groups counted too."""
MAX_DEPTH: Final = 10
"""Levels of filters: those of the request are the first, those of a group in it the second."""

_MAX_MESSAGES: Final = 10
_OF_SEGMENTS: Final = ("id", "created_at")

Op: TypeAlias = Literal["and", "or"]


class _Shape(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, revalidate_instances="never"
    )


class _Filter(_Shape):
    """What filters have in common: beside their own names they carry what a saved segment does (contract §6)."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, sent: object) -> object:
        """The filter without the names that ask nothing: `id`, `created_at`, and those that are null.

        A `value` that is null is one, where the kind of filter has a value. Of unknown names one is enough: each is an
        error, and they may be a hundred thousand.
        """
        if not isinstance(sent, dict):
            return sent
        given = cast("dict[str, object]", sent)
        known = {name: given[name] for name in cls.model_fields if name in given}
        kept = {name: known[name] for name in known if name == "value" or known[name] is not None}
        for name, value in given.items():
            if name not in known and name not in _OF_SEGMENTS and value is not None:
                return {**kept, name: value}
        return kept


class PropertyFilter(_Filter):
    """A condition on a property; `ex` and `nx` have no `value`."""

    kind: Literal["property"]
    prop: str
    op: PropertyOp
    value: object = None

    @property
    def has_value(self) -> bool:
        """Whether a value was sent: null is one."""
        return "value" in self.model_fields_set


class EventFilter(_Filter):
    """A condition on how often, or when last, an event was tracked."""

    kind: Literal["event"]
    prop: str
    op: EventOp
    value: object = None


class GroupFilter(_Filter):
    """Filters that count as one."""

    kind: Literal["group"]
    filters_op: Op = "and"
    filters: Annotated[list["Filter"], Field(min_length=1)]


Filter: TypeAlias = Annotated[
    PropertyFilter | EventFilter | GroupFilter, Field(discriminator="kind")
]


class Filters(_Shape):
    """`filters` and `filters_op` of a request; without filters, everybody is found."""

    filters: list[Filter] = []
    filters_op: Op = "and"


def parse_filters(parameters: Mapping[str, object]) -> Filters:
    """The filters among a request's parameters. Raises `Unprocessable`, naming each bad place."""
    given = {name: parameters[name] for name in Filters.model_fields if name in parameters}
    if given.get("filters_op", "") is None:
        del given["filters_op"]
    _check_size(given.get("filters"))
    try:
        return Filters.model_validate(given)
    except ValidationError as error:
        raise Unprocessable(*_messages(error)) from None


def _check_size(filters: object) -> None:
    """Refuse too many filters or levels, one level after the other: no input makes a deep stack."""
    level, count = _items([filters]), 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_FILTERS:
            raise Unprocessable(f"filters: send at most {MAX_FILTERS} in all, groups counted too")
        level = _items(
            cast("dict[str, object]", filter_).get("filters")
            for filter_ in level
            if isinstance(filter_, dict)
        )
    if level:
        raise Unprocessable(f"filters: send groups at most {MAX_DEPTH} levels deep")


def _items(lists: Iterable[object]) -> list[object]:
    """What is in those of `lists` that are lists."""
    return [item for list_ in lists if isinstance(list_, list) for item in cast("list[Any]", list_)]


def _messages(error: ValidationError) -> list[str]:
    details = error.errors(include_url=False, include_input=False)[:_MAX_MESSAGES]
    return list(dict.fromkeys(_message(detail) for detail in details))


def _message(detail: ErrorDetails) -> str:
    """Where and what to send. Nothing that was sent is in it, an unknown name neither."""
    loc, context = detail["loc"], detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            known = " and ".join(_known_names(loc))
            return f"{_place(loc[:-1])}: send nothing but {known}"
        case "union_tag_not_found" | "union_tag_invalid":
            return f"{_place((*loc, 'kind'))}: send {context.get('expected_tags', _KINDS)}"
        case "literal_error":
            return f"{_place(loc)}: send {context['expected']}"
        case "too_short":
            return f"{_place(loc)}: send at least one filter"
        case "list_type":
            return f"{_place(loc)}: send an array of filters"
        case "string_type":
            return f"{_place(loc)}: send a string"
        case "missing":
            return f"{_place(loc)}: missing"
        case _:
            return f"{_place(loc)}: send a filter, which is an object"


_TAGS: Final = {"property": PropertyFilter, "event": EventFilter, "group": GroupFilter}
_KINDS: Final = "'property', 'event' or 'group'"


def _known_names(loc: tuple[int | str, ...]) -> list[str]:
    """The names that the model at `loc`, behind which stands an unknown one, does know."""
    tag = loc[-2] if len(loc) > 1 else ""
    return list(_TAGS.get(str(tag), Filters).model_fields)


def _place(loc: tuple[int | str, ...]) -> str:
    """``filters[2].filters[0].op``. The kind that pydantic puts behind each index is left out."""
    place = ""
    after_index = False
    for part in loc:
        if isinstance(part, int):
            place += f"[{part}]"
        elif not (after_index and part in _TAGS):
            place += f".{part}" if place else part
        after_index = isinstance(part, int)
    return place
