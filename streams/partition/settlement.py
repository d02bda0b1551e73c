"""When an email that was written has settled (design "Email index").

A claim of an email settles when the email index has folded it, and the release that follows, if another profile held
the email, is folded too. Only then a write may be answered that speaks of the email, and a read that waits for its
position (contract §14).

This remembers, for the partitions of this node, the claims that their folds have made. Others were made before a
partition was acquired: by a process that was killed, or by another node. Of those it knows nothing, so:

1. When a partition of ``profile-events`` is acquired, and its relay has fenced the former owner, all claims below the
   progress lie below the ends that ``profile-emails`` has then: what comes later of them is a repeat. No claim and no
   position of the partition counts as settled until each partition of the index is folded up to that end, and the
   releases that it had still to get folded at that moment are. What is above the progress is in the outbox, and known
   by name.
2. When a partition of ``profile-emails`` is acquired, and its relay has fenced the former owner, all releases that
   ever left it lie below the ends that ``profile-events`` has then. No claim that it has folded settles until those
   ends are reached. What has not left yet is in the outbox.
"""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import chain

from projections.outbox import Claim, Release
from projections.partition import PartitionState
from projections.profiles import ProfileState
from schemas.errors import Unavailable
from streams.partition.email_waits import (
    NOT_OURS,
    IndexWaits,
    InheritedWaits,
    OpenRelease,
    decode_release,
)


class Settlement:
    """Claims that have not settled yet, in the order of the log per partition."""

    def __init__(self) -> None:
        self._open: dict[int, dict[bytes, int]] = {}
        self._partition: dict[bytes, int] = {}
        self._waiters: dict[bytes, asyncio.Future[None]] = {}
        self._lost: dict[bytes, tuple[IndexWaits, list[bytes]]] = {}
        self._held: dict[bytes, tuple[IndexWaits, list[bytes]]] = {}
        self._applied: dict[int, int] = {}
        self._indexes: dict[int, IndexWaits] = {}
        self._inherited: dict[int, InheritedWaits] = {}
        # Whether a partition that was acquired has left something to wait for.
        self._catching_up = False
        self._gone: set[int] = set()  # partitions of ``profile-events`` that were here

    # ------------------------------------------------------------------ acquiring

    def acquire(self, state: PartitionState, ends: Mapping[int, int]) -> None:
        """The partition with this state is acquired; its relay has started.

        `ends`, read since, are where the partitions of the other topic end: of ``profile-emails`` for a partition of
        ``profile-events``, and the other way round.
        """
        rows = state.outbox_from((0, 0))
        if isinstance(state, ProfileState):
            claims = {row.name: offset for offset, row in rows if isinstance(row, Claim)}
            self.acquire_events(state.partition, state.applied, ends, claims)
        else:
            releases = [decode_release(row.value) for _, row in rows if isinstance(row, Release)]
            self.acquire_emails(state.partition, state.applied, ends, releases)

    def acquire_events(
        self, partition: int, applied: int, ends: Mapping[int, int], claims: Mapping[bytes, int]
    ) -> None:
        """A partition of ``profile-events`` is acquired, folded up to `applied` (rule 1).

        `ends` are those of ``profile-emails`` by partition, read after the relay has started; `claims` those in the
        outbox, with the offset of their event.
        """
        self._gone.discard(partition)
        for claim in self._open.pop(partition, {}):
            self._partition[claim] = NOT_OURS
        for claim, offset in claims.items():
            self.made(claim, partition, offset)
        before, inherited = self._inherited.get(partition), InheritedWaits(ends)
        if before is not None:
            inherited.over = before.over
        self._inherited[partition] = inherited
        self._catching_up = True
        self.reached(partition, applied)

    def acquire_emails(
        self, partition: int, applied: int, ends: Mapping[int, int], releases: Iterable[OpenRelease]
    ) -> None:
        """A partition of ``profile-emails`` is acquired, folded up to `applied` (rule 2).

        `ends` are those of ``profile-events`` by partition, read after the relay has started; `releases` those in the
        outbox.
        """
        index = self._index(partition)
        index.ends = dict(ends)
        waiting = list(releases)
        # The others have left, by another owner: their claims settle as rule 2 says.
        for lost in index.lost - {release.lost for release in waiting}:
            index.lost.remove(lost)
            index.folded += self._lost.pop(lost)[1]
            for inherited in self._inherited.values():
                if lost in inherited.lost:
                    inherited.lost.remove(lost)
                    inherited.ends.setdefault(partition, 0)
        for by, lost in waiting:
            self.folded(partition, by, lost)
        self._catching_up = True
        self.index_reached(partition, applied)

    # ------------------------------------------------------------------ folding

    def made(self, claim: bytes, partition: int, offset: int) -> None:
        """An event at (partition, offset) made a claim."""
        self._open.setdefault(partition, {})[claim] = offset
        self._partition[claim] = partition

    def folded(
        self, partition: int, claim: bytes, lost: bytes | None, *, is_known: bool = False
    ) -> None:
        """The index partition has the claim; `lost` is the claim that has to be released for it.

        `is_known`: it was folded before, so it may still wait for such a release.
        """
        index = self._index(partition)
        if is_known and (claim not in self._partition or self._awaits_release(claim)):
            return
        if lost is None:
            self._conclude(index, claim)
            return
        self._partition.setdefault(claim, NOT_OURS)
        # More than one claim can lose the same one: the first winner may be withdrawn before the second comes.
        winners = self._lost.setdefault(lost, (index, []))[1]
        if claim not in winners:
            winners.append(claim)
        index.lost.add(lost)

    def released(self, lost: bytes) -> None:
        """The release of a lost claim is folded.

        Where the lost claim has not settled itself, the holder before it still shows the email: its winners wait
        for that release too.
        """
        if lost not in self._lost:
            return
        index, winners = self._lost.pop(lost)
        index.lost.remove(lost)
        if lost in self._partition:
            self._held.setdefault(lost, (index, []))[1].extend(winners)
        else:
            for claim in winners:
                self._conclude(index, claim)
        for inherited in self._inherited.values():
            inherited.lost.discard(lost)

    def reached(self, partition: int, applied: int) -> None:
        """A partition of ``profile-events`` is folded up to `applied`, and its verdicts are reported."""
        self._applied[partition] = applied
        if self._catching_up:
            self._review()

    def index_reached(self, partition: int, applied: int) -> None:
        """A partition of ``profile-emails`` is folded up to `applied`, and its claims are reported."""
        self._index(partition).applied = applied
        if self._catching_up:
            self._review()

    def folded_to(self, state: PartitionState) -> None:
        """Report how far a state is folded, after its verdicts or claims."""
        if isinstance(state, ProfileState):
            self.reached(state.partition, state.applied)
        else:
            self.index_reached(state.partition, state.applied)

    # ------------------------------------------------------------------ asking

    def settled(self, partition: int, claim: bytes) -> bool:
        """Whether a claim that is a profile's of this partition has settled."""
        return (
            claim not in self._partition
            and partition not in self._inherited
            and partition not in self._gone
        )

    def before(self, partition: int, offset: int) -> bool:
        """Whether every claim made in the partition at or before the offset has settled."""
        if partition in self._inherited or partition in self._gone:
            return False
        waiting = self._open.get(partition)
        return not waiting or next(iter(waiting.values())) > offset

    async def wait(self, partition: int, claim: bytes) -> None:
        """Wait until the claim, of a profile of this partition, has settled; at once when it is not open.

        Raises `Unavailable` when the partition is not here any more.
        """
        while not self.settled(partition, claim):
            self._check_here(partition)
            await self._taken_over(partition)
            if claim in self._partition:
                await self._wait(claim)

    async def wait_before(self, partition: int, offset: int) -> None:
        """Wait until `before` is true. Raises like `wait`."""
        while not self.before(partition, offset):
            self._check_here(partition)
            await self._taken_over(partition)
            if waiting := self._open.get(partition):
                await self._wait(next(iter(waiting)))

    def _check_here(self, partition: int) -> None:
        if partition in self._gone:
            raise Unavailable(
                "the partition has moved to another node: the write is in the log, sending it again is safe"
            )

    async def _taken_over(self, partition: int) -> None:
        while inherited := self._inherited.get(partition):
            if inherited.over is None:
                inherited.over = asyncio.get_running_loop().create_future()
            await asyncio.shield(inherited.over)

    async def _wait(self, claim: bytes) -> None:
        waiter = self._waiters.get(claim)
        if waiter is None:
            waiter = self._waiters[claim] = asyncio.get_running_loop().create_future()
        await asyncio.shield(waiter)

    # ------------------------------------------------------------------ how it is done

    def _index(self, partition: int) -> IndexWaits:
        index = self._indexes.get(partition)
        if index is None:
            index = self._indexes[partition] = IndexWaits()
        return index

    def _awaits_release(self, claim: bytes) -> bool:
        waiting = chain(self._lost.values(), self._held.values())
        return any(claim in winners for _, winners in waiting)

    def _conclude(self, index: IndexWaits, claim: bytes) -> None:
        """No release is known that the claim has to wait for: it settles, once rule 2 lets it."""
        if not index.ends:
            self._settle(claim)
        elif claim in self._partition:
            index.folded.append(claim)

    def _settle(self, claim: bytes) -> None:
        partition = self._partition.pop(claim, None)
        if partition is None:
            return
        if partition != NOT_OURS:
            del self._open[partition][claim]
        self._wake(self._waiters.pop(claim, None))
        if held := self._held.pop(claim, None):
            for winner in held[1]:
                self._settle(winner)

    def _wake(self, waiter: "asyncio.Future[None] | None") -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _review(self) -> None:
        """End the waits of acquired partitions, as far as the folds have come."""
        for index in self._indexes.values():
            if all(self._applied.get(number, -1) + 1 >= end for number, end in index.ends.items()):
                index.ends = {}
                self._wake(index.over)
                folded, index.folded = index.folded, []
                for claim in folded:
                    self._settle(claim)
        for partition, inherited in list(self._inherited.items()):
            for number, end in list(inherited.ends.items()):
                index = self._index(number)
                if index.applied + 1 >= end and not index.ends:
                    del inherited.ends[number]
                    inherited.lost |= index.lost
            if not inherited.ends and not inherited.lost:
                del self._inherited[partition]
                self._wake(inherited.over)
        self._catching_up = bool(self._inherited) or any(
            index.ends for index in self._indexes.values()
        )
