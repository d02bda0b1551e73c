"""The partitions that this node owns, and what requests ask of them."""

import asyncio
from collections.abc import Sequence, Set
from typing import Final, Protocol

from faust.types import TP

from projections.email_index import EmailState
from projections.profiles import ProfileState
from schemas.errors import ProfilelogError, Unavailable, Unfoldable
from streams.lag import Lag
from streams.log.appender import Keyed
from streams.log.chunks import Chunk
from streams.log.topics import Topics
from streams.partition.email_partition import EmailPartition
from streams.partition.profile_partition import ProfilePartition
from streams.partition.runtime import PartitionRuntime
from streams.partition.stops import stopped

_PATIENCE_SECONDS: Final = 5.0


class Elsewhere(ProfilelogError):
    """Another node owns the partition `tp`: it is asked instead (`streams.cluster`)."""

    def __init__(self, tp: TP) -> None:
        super().__init__(f"{tp.topic}-{tp.partition} is another node's")
        self.tp = tp


class OtherOwners(Protocol):
    """What other nodes own (`streams.cluster.owners`)."""

    def elsewhere(self, tp: TP) -> object | None:
        """The other node that owns a partition."""
        ...

    def is_known(self, tp: TP) -> bool:
        """Whether another node owned the partition last."""
        ...


class OwnedPartitions:
    """The runtimes of this node's partitions; `streams.consumer_group.assignment` adds and removes them."""

    def __init__(self, topics: Topics, owners: OtherOwners) -> None:
        self._topics = topics
        self._owners = owners
        self.runtimes: dict[TP, PartitionRuntime] = {}
        self._left: set[TP] = set()
        self._assigned: Set[TP] = frozenset()

    def expect(self, assigned: Set[TP]) -> None:
        """These are assigned to this node, and come one after the other."""
        self._assigned = assigned

    def add(self, tp: TP, runtime: PartitionRuntime) -> None:
        """A partition is acquired."""
        self.runtimes[tp] = runtime
        self._left.discard(tp)

    def take_out(self, tp: TP) -> PartitionRuntime:
        """A partition is lost: from now on its next owner is asked, once it is known."""
        self._left.add(tp)
        return self.runtimes.pop(tp)

    @property
    def ready(self) -> bool:
        """Whether those that are here are caught up, and another node owns each that is not."""
        return all(map(self._is_ready, self.all()))

    @property
    def caught_up(self) -> bool:
        """Whether any are assigned to this node, and all of them are caught up."""
        return bool(self._assigned) and all(map(self.is_here, self._assigned))

    def all(self) -> list[TP]:
        """All partitions of the deployment."""
        topics = self._topics
        return [
            TP(topic, partition)
            for topic in (topics.events, topics.emails)
            for partition in range(topics.partitions)
        ]

    def elsewhere(self) -> list[TP]:
        """The partitions that another node owns."""
        return [
            tp
            for tp in self.all()
            if tp not in self.runtimes and self._owners.elsewhere(tp) is not None
        ]

    def _is_ready(self, tp: TP) -> bool:
        runtime = self.runtimes.get(tp)
        return self._owners.elsewhere(tp) is not None if runtime is None else runtime.ready

    def is_here(self, tp: TP) -> bool:
        """Whether the partition is here and caught up."""
        runtime = self.runtimes.get(tp)
        return runtime is not None and runtime.ready

    @property
    def stopped(self) -> list[Unfoldable]:
        """The records at which partitions of this node have stopped."""
        found = (runtime.stopped for runtime in self.runtimes.values())
        return [record for record in found if record is not None]

    @property
    def unpublished(self) -> Lag:
        """Records whose outputs have not all left."""
        lags = [runtime.relay.lag for runtime in self.runtimes.values()]
        return Lag(sum(lag.waiting for lag in lags), max((lag.seconds for lag in lags), default=0))

    def check_folding(self) -> None:
        """Raises `Unavailable` when a partition has stopped: what is written there would not be folded."""
        if self.stopped:
            raise stopped()

    # ------------------------------------------------------------------ asked by partition

    def profiles(self, partition: int) -> ProfileState:
        """The profiles of a partition. Raises `Elsewhere`, and `Unavailable` unless they are caught up."""
        return self._profile_partition(partition).profiles

    def emails(self, partition: int) -> EmailState:
        """The email index of a partition. Raises as `profiles`."""
        runtime = self._ready(TP(self._topics.emails, partition))
        assert isinstance(runtime, EmailPartition)
        return runtime.emails

    def owned_profiles(self) -> dict[int, ProfileState]:
        """The profiles of each partition that is here and caught up."""
        return {
            tp.partition: runtime.profiles
            for tp, runtime in self.runtimes.items()
            if isinstance(runtime, ProfilePartition) and runtime.ready
        }

    def shows(self, partition: int, offset: int) -> bool:
        """Whether every read shows what stands in the log up to the offset. Raises as `profiles`."""
        return self._profile_partition(partition).shows(offset)

    async def wait_shown(self, partition: int, offset: int) -> None:
        """Waits until `shows` is true. Raises as `profiles`."""
        await self._profile_partition(partition).wait_shown(offset)

    async def wait_events(self, partition: int, offset: int) -> None:
        """Waits until the events of a partition are folded up to the offset. Raises as `profiles`."""
        await self._profile_partition(partition).wait_applied(offset)

    async def wait_emails(self, partition: int, offset: int) -> None:
        """Waits until the claims of a partition are folded up to the offset. Raises as `profiles`."""
        await self._ready(TP(self._topics.emails, partition)).wait_applied(offset)

    def is_folded(self, partition: int, offset: int) -> bool:
        """Whether the events of a partition are folded up to the offset, here."""
        runtime = self.runtimes.get(TP(self._topics.events, partition))
        return runtime is not None and runtime.state.applied >= offset

    async def wait_folded(self, partition: int, offset: int) -> None:
        """Waits until the events of a partition are folded up to the offset; not for a fold that does not go on."""
        runtime = self.runtimes.get(TP(self._topics.events, partition))
        while runtime is not None and runtime.ready and runtime.state.applied < offset:
            before = runtime.state.applied
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await runtime.wait_applied(offset)
            except TimeoutError:
                if runtime.state.applied == before:
                    return
            except Unavailable:  # it leaves
                return

    def _profile_partition(self, partition: int) -> ProfilePartition:
        runtime = self._ready(TP(self._topics.events, partition))
        assert isinstance(runtime, ProfilePartition)
        return runtime

    def _ready(self, tp: TP) -> PartitionRuntime:
        runtime = self.runtimes.get(tp)
        if runtime is not None and runtime.stopped is not None:
            raise stopped()
        if runtime is None or not runtime.ready:
            raise self._absent(tp, runtime)
        return runtime

    def _absent(self, tp: TP, runtime: PartitionRuntime | None) -> Elsewhere | Unavailable:
        """Why a partition is not here, or not yet."""
        if runtime is None and (tp in self._left or self._owners.is_known(tp)):
            return Elsewhere(tp)
        if runtime is not None and runtime.relay.is_lost:
            return Elsewhere(tp)
        return Unavailable("the service is catching up with the log, try again", retry_after=1)

    # ------------------------------------------------------------------ what arrives

    async def fold_chunk(self, chunk: Chunk) -> None:
        """Folds what the consumer delivers; of a partition that is lost meanwhile its next owner does."""
        runtime = self.runtimes.get(chunk.tp)
        if runtime is not None:
            await runtime.fold_chunk(chunk)

    def fold_appended(
        self, topic: str, partition: int, first: int, records: Sequence[Keyed]
    ) -> None:
        """Folds what this node has just appended, from the offset `first` on, where it owns the partition."""
        runtime = self.runtimes.get(TP(topic, partition))
        if runtime is not None:
            runtime.fold_appended(first, records)
