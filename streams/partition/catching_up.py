"""How far a partition that was acquired has to be folded before it is served (design "A node")."""

from typing import NamedTuple

from projections.partition import PartitionState


class Goal(NamedTuple):
    """The log ended before the offset `end` when the state had met so many `holes`.

    A hole that is met later moves the goal to the log's end of that moment: the tombstone that made the hole may lie
    behind the former goal.
    """

    end: int
    holes: int

    def is_reached(self, state: PartitionState) -> bool:
        return state.applied + 1 >= self.end

    def has_moved(self, state: PartitionState) -> bool:
        """Whether the log's end has to be read again."""
        return state.holes != self.holes
