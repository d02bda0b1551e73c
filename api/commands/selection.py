"""A set of ids, or all but a set of ids."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Selection:
    """What has one of these ids; inverted, all else."""

    ids: Set[str]
    inverted: bool = False

    def __invert__(self) -> "Selection":
        return Selection(self.ids, not self.inverted)

    def __and__(self, other: "Selection") -> "Selection":
        match self.inverted, other.inverted:
            case False, False:
                return Selection(self.ids & other.ids)
            case False, True:
                return Selection(self.ids - other.ids)
            case True, False:
                return Selection(other.ids - self.ids) if self.ids else other
            case _:
                return Selection(self.ids | other.ids, inverted=True)

    def __or__(self, other: "Selection") -> "Selection":
        return ~(~self & ~other)

    def among(self, ids: Set[str]) -> Set[str]:
        """Which of these ids are selected."""
        return ids - self.ids if self.inverted else ids & self.ids


NOTHING: Final = Selection(frozenset())
EVERYTHING: Final = ~NOTHING
