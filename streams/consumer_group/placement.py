"""Which node owns which partition: a pure choice, which the leader of the group makes for all (design "A node").

1. A partition stays with who owns it; one that nobody owns goes to the copy that is folded farthest.
2. No node owns more than one partition above another: who has too many gives up first what it did not own, then those
   of which somebody else has the farthest copy.
3. What is left goes to who has least, a copy of it first.
4. The same members make the same choice, in whatever order they are named.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec

_NO_COPY: Final = -2  # a copy that has folded nothing is at -1


class Member(msgspec.Struct, frozen=True, array_like=True):
    """What a node says of itself when it joins the group.

    `node` is its id, `owned` are the partitions that it owns until now, `copies` says of each partition of which it has
    a state, owned or not, up to which offset it is folded.
    """

    node: str
    owned: frozenset[int] = frozenset()
    copies: Mapping[int, int] = {}

    def folded(self, partition: int) -> int:
        """The offset up to which its copy of a partition is folded."""
        return self.copies.get(partition, _NO_COPY)


Placement = dict[str, list[int]]


def place(members: Mapping[str, Member], partitions: int) -> Placement:
    """The partitions that each member of the group is to own, in order; `members` is not empty."""
    names = sorted(members, key=lambda name: (members[name].node, name))
    kept = _kept(members, names, partitions)
    placed = _cut_to_shares(members, names, kept, partitions)
    left = sorted(set(range(partitions)) - {p for owned in placed.values() for p in owned})
    for partition in left:
        least = min(map(len, placed.values()))
        able = [name for name in names if len(placed[name]) == least]
        placed[max(able, key=lambda name: members[name].folded(partition))].append(partition)
    return {name: sorted(owned) for name, owned in placed.items()}


def _kept(members: Mapping[str, Member], names: list[str], partitions: int) -> dict[str, list[int]]:
    """Rule 1. Where two say that they own a partition, the one that is folded farther has owned it last."""
    kept: dict[str, list[int]] = {name: [] for name in names}
    for partition in range(partitions):
        owners = [name for name in names if partition in members[name].owned]
        copies = [name for name in names if partition in members[name].copies]
        if able := owners or copies:
            best = max(able, key=lambda name: members[name].folded(partition))
            kept[best].append(partition)
    return kept


def _cut_to_shares(
    members: Mapping[str, Member], names: list[str], kept: dict[str, list[int]], partitions: int
) -> dict[str, list[int]]:
    """Rule 2: what each member keeps when nobody may have more than its share."""
    share, more = divmod(partitions, len(names))
    # Who has most keeps one more, where the shares are not equal.
    by_size = sorted(names, key=lambda name: -len(kept[name]))
    shares = {name: share + (rank < more) for rank, name in enumerate(by_size)}

    def order(name: str, partition: int) -> tuple[bool, int, int]:
        others = (members[other].folded(partition) for other in names if other != name)
        return partition not in members[name].owned, max(others, default=_NO_COPY), partition

    return {
        name: sorted(owned, key=partial(order, name))[: shares[name]]
        for name, owned in kept.items()
    }
