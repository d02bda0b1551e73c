"""The settlement of emails where other nodes own partitions too.

What they fold is not reported here. What this node waits for of them `awaited_…` say, and `streams.cluster.settling`
asks their owners: how far a partition of ``profile-events`` is folded, and whether claims have settled that stand in
one of ``profile-emails``, whose owner knows of each claim that waits for a release.

A partition that leaves takes its waits along: its claims are its next owner's to follow, and answers that wait for them
fail.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from projections.partition import PartitionState
from projections.profiles import ProfileState
from streams.partition.email_waits import NOT_OURS, OpenRelease, decode_release
from streams.partition.sent_outputs import SentClaims, SentOutputs, SentRelease
from streams.partition.settlement import Settlement


class SettlementAmongNodes(Settlement):
    """`on_wait` is called when there may be something new to wait for that another node folds."""

    def __init__(self) -> None:
        super().__init__()
        self._events_here: set[int] = set()
        self._sent = SentOutputs()
        self.on_wait: Callable[[], None] = _nothing

    # ------------------------------------------------------------------ acquiring

    def acquire_events(
        self, partition: int, applied: int, ends: Mapping[int, int], claims: Mapping[bytes, int]
    ) -> None:
        """As the rules say; what it inherits may be another node's to fold."""
        self._events_here.add(partition)
        super().acquire_events(partition, applied, ends, claims)
        self.on_wait()

    def acquire_emails(
        self, partition: int, applied: int, ends: Mapping[int, int], releases: Iterable[OpenRelease]
    ) -> None:
        """As the rules say; claims that an owner before has folded settle, unless they wait for a release."""
        super().acquire_emails(partition, applied, ends, releases)
        index = self._index(partition)
        index.is_here = True
        for sent in self._sent.take_claims(partition, applied):
            for claim in sent.names:
                if not self._awaits_release(claim):
                    self._conclude(index, claim)
        self.on_wait()

    def reached(self, partition: int, applied: int) -> None:
        """Here or elsewhere."""
        super().reached(partition, applied)
        for sent in self._sent.take_releases(partition, applied):
            self.released(sent.lost)

    def index_reached(self, partition: int, applied: int) -> None:
        """Here: the folds of claims were reported one by one."""
        super().index_reached(partition, applied)
        if self._index(partition).is_here:
            for _ in self._sent.take_claims(partition, applied):
                pass

    # ------------------------------------------------------------------ losing

    def lose(self, state: PartitionState) -> None:
        """The partition with this state is not this node's any more."""
        if isinstance(state, ProfileState):
            self.lose_events(state.partition)
        else:
            self.lose_emails(state.partition)
        self.on_wait()

    def lose_events(self, partition: int) -> None:
        """A partition of ``profile-events`` leaves: answers that wait for its claims fail."""
        self._events_here.discard(partition)
        self._gone.add(partition)
        followed = self._followed_here()
        for claim in self._open.pop(partition, {}):
            if claim in followed:
                self._partition[claim] = NOT_OURS
            else:
                self._partition.pop(claim, None)
            self._wake(self._waiters.pop(claim, None))
        inherited = self._inherited.pop(partition, None)
        if inherited is not None:
            self._wake(inherited.over)

    def lose_emails(self, partition: int) -> None:
        """A partition of ``profile-emails`` leaves: its next owner says when the claims of this node settle."""
        index = self._indexes.pop(partition, None)
        if index is None:
            return
        self._wake(index.over)
        unsettled = list(index.folded)
        for lost in index.lost:
            unsettled += self._lost.pop(lost)[1]
        for lost, (held_by, winners) in list(self._held.items()):
            if held_by is index:
                del self._held[lost]
                unsettled += winners
        for inherited in self._inherited.values():
            if inherited.lost & index.lost:
                inherited.lost -= index.lost
                inherited.ends[partition] = index.applied + 1
        ours = [claim for claim in unsettled if self._partition.get(claim, NOT_OURS) != NOT_OURS]
        for claim in set(unsettled).difference(ours):
            self._partition.pop(claim, None)
        if ours:
            self._sent.add_claims(partition, SentClaims(index.applied, ours))
        self._review()

    def _followed_here(self) -> set[bytes]:
        """Claims that a partition of the index here has folded and that have not settled."""
        waiting = chain(self._lost.values(), self._held.values())
        followed = {claim for _, winners in waiting for claim in winners}
        return followed.union(*(index.folded for index in self._indexes.values()))

    # ------------------------------------------------------------------ what has left

    def claims_sent(self, partition: int, offset: int, names: Sequence[bytes]) -> None:
        """Claims are acknowledged in a partition of ``profile-emails``, none behind the offset."""
        index = self._index(partition)
        if index.applied < offset:
            self._sent.add_claims(partition, SentClaims(offset, names))
            if not index.is_here:
                self.on_wait()

    def release_sent(self, partition: int, offset: int, value: bytes) -> None:
        """A release, encoded as `value`, is acknowledged in a partition of ``profile-events``."""
        if self._applied.get(partition, -1) < offset:
            lost = decode_release(value).lost
            self._sent.add_release(partition, SentRelease(offset, lost))
            if partition not in self._events_here:
                self.on_wait()

    # ------------------------------------------------------------------ elsewhere

    def awaited_fold(self, partition: int) -> int | None:
        """Up to which offset a partition of ``profile-events``, not here, has to be folded next; None: no matter."""
        if partition in self._events_here:
            return None
        applied = self._applied.get(partition, -1)
        wanted = [
            end - 1
            for index in self._indexes.values()
            if (end := index.ends.get(partition, 0)) > applied + 1
        ]
        release = self._sent.next_release(partition)
        return min([*wanted, *([] if release is None else [release])], default=None)

    def awaited_index(self, partition: int) -> int | None:
        """The end up to which a partition of ``profile-emails`` that is not here has to be settled; None: no matter."""
        if self._index(partition).is_here:
            return None
        ends = (each.ends[partition] for each in self._inherited.values() if partition in each.ends)
        return max(ends, default=None)

    def awaited_claims(self, partition: int) -> Sequence[SentClaims]:
        """Which claims of this node wait for a partition of ``profile-emails`` that is not here."""
        return () if self._index(partition).is_here else self._sent.claims(partition)

    def settled_elsewhere(self, partition: int, sent: SentClaims) -> None:
        """The owner of a partition of ``profile-emails`` says that these claims have settled."""
        self._sent.drop_claims(partition, sent)
        for claim in sent.names:
            self._settle(claim)

    def index_settled_elsewhere(self, partition: int, end: int) -> None:
        """A partition of ``profile-emails`` is folded up to `end`, and what it had to release is released."""
        for inherited in self._inherited.values():
            if inherited.ends.get(partition, end + 1) <= end:
                del inherited.ends[partition]
        self._review()

    # ------------------------------------------------------------------ asked by others

    async def wait_settled_here(self, partition: int, claims: Iterable[bytes]) -> None:
        """Waits until claims have settled that a partition of ``profile-emails``, here, has folded."""
        await self._wait_ends(partition)
        for claim in claims:
            while claim in self._partition:
                await self._wait(claim)

    async def wait_released(self, partition: int) -> None:
        """Waits until a partition of ``profile-emails``, here, has released what it has to release now."""
        await self._wait_ends(partition)
        lost = self._index(partition).lost
        await self.wait_settled_here(
            partition, [claim for each in lost for claim in self._lost[each][1]]
        )

    async def _wait_ends(self, partition: int) -> None:
        """Rule 2."""
        while (index := self._index(partition)).ends:
            if index.over is None or index.over.done():
                index.over = asyncio.get_running_loop().create_future()
            await asyncio.shield(index.over)


def _nothing() -> None:
    """Nobody asks elsewhere."""
