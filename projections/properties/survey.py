"""What documents show of their properties: types, the most recent values, when they were seen."""

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from schemas.properties import NO_PROPERTIES, SCALARS, Kind, ValueType, type_of
from schemas.timestamps import parse_stored_timestamp

MAX_VALUES: Final = 10
"""Distinct values that are shown of a property."""

_PRUNE_AT: Final = 4 * MAX_VALUES

Scalar: TypeAlias = bool | int | float | str


class Seen:
    """A property as the documents of a survey show it. `created` and `last` are in unix milliseconds."""

    __slots__ = ("_values", "created", "last", "types")

    def __init__(self, created: int) -> None:
        self.types: set[ValueType] = set()
        self.created = created
        self.last = 0
        self._values: dict[tuple[ValueType, Scalar], tuple[int, Scalar]] = {}

    def add(self, value: Any, created: int, updated: int) -> None:
        type_ = type_of(value)
        self.types.add(type_)
        # No `min` and `max`: they would take a third of the time.
        if created < self.created:
            self.created = created
        if updated > self.last:
            self.last = updated
        if type_ in SCALARS:
            self._keep((type_, cast("Scalar", value)), updated)

    def _keep(self, value: tuple[ValueType, Scalar], updated: int) -> None:
        known = self._values.get(value)
        if known is None or known[0] < updated:
            self._values[value] = updated, value[1]
        if len(self._values) == _PRUNE_AT:
            # Values that are left out are older than those that stay, which only get younger.
            self._values = {
                (type_of(scalar), scalar): (at, scalar) for at, scalar in self._recent()
            }

    def _recent(self) -> list[tuple[int, Scalar]]:
        return sorted(self._values.values(), key=lambda kept: -kept[0])[:MAX_VALUES]

    def row(self) -> "SeenRow":
        """What another survey can `join`."""
        return SeenRow(self.types, self.created, self.last, self._recent())

    def join(self, row: "SeenRow") -> None:
        """Count what another survey has seen."""
        self.types |= row.types
        self.created = min(self.created, row.created)
        self.last = max(self.last, row.last)
        for at, value in row.values:
            self._keep((type_of(value), value), at)

    @property
    def values(self) -> list[Scalar]:
        """The most recent distinct scalars, those of the document that was updated last first."""
        return [value for _, value in self._recent()]


class SeenRow(msgspec.Struct, array_like=True):
    """A property as one of several surveys has seen it; `values` with when they were seen last."""

    types: set[ValueType]
    created: int
    last: int
    values: list[tuple[int, Scalar]]


class Survey:
    """The properties of documents of one kind, by their dotted names."""

    def __init__(self, kind: Kind) -> None:
        self.seen: dict[str, Seen] = {}
        self._left_out = NO_PROPERTIES[kind]

    def add(self, document: Mapping[str, Any]) -> None:
        """Count a document, as it is stored: in any order, and as often as one likes."""
        created = parse_stored_timestamp(document["created_at"])
        updated = parse_stored_timestamp(document["updated_at"])
        assert created is not None, "the fold wrote it"
        assert updated is not None, "the fold wrote it"
        self._walk(document, "", self._left_out, created, updated)

    def _walk(
        self,
        hash_: Mapping[str, Any],
        prefix: str,
        left_out: Collection[str],
        created: int,
        updated: int,
    ) -> None:
        for name, value in hash_.items():
            if name in left_out:
                continue
            prop = prefix + name
            seen = self.seen.get(prop)
            if seen is None:
                seen = self.seen[prop] = Seen(created)
            seen.add(value, created, updated)
            if isinstance(value, dict):
                inner = cast("dict[str, Any]", value)
                self._walk(inner, f"{prop}.", (), created, updated)

    def has(self, prop: str, type_: ValueType) -> bool:
        """Whether a counted document has the property, with a value of this type."""
        seen = self.seen.get(prop)
        return seen is not None and type_ in seen.types
