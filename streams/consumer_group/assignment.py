"""The assignment: acquiring the partitions that Kafka's group gives to this node, and releasing those that it takes.

A partition is acquired in this order:

1. Its state is opened, unless it is too old. The end that the log has now is where it counts as caught up.
2. Its relay starts, which fences the former owner.
3. Only then, because the former owner can publish nothing more, the ends of the topic that its outputs go to are read:
   what was published before lies below them (`streams.partition.settlement`).
4. It folds from what its state has applied, and publishes once it has caught up.

It is released when an assignment no longer has it, or the node stops: its relay ends, its producer is closed, and then
its state, once no thread works on the files. Its next owner goes on from the log.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Set
from functools import partial

from aiokafka import TopicPartition
from faust.types import TP

from projections.partition import NOTHING
from schemas.errors import OperatorError
from streams.clock import unix_ms
from streams.consumer_group.placement import Member
from streams.failure import Failure
from streams.log.damage import check_readable
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import log_bounds
from streams.log.topic_settings import TOMBSTONES_SEEN_SECONDS
from streams.log.topics import Topics
from streams.partition.opening import PartitionOpener
from streams.partition.owned_partitions import OwnedPartitions
from streams.partition.runtime import PartitionRuntime
from streams.partition.settlement_among_nodes import SettlementAmongNodes
from streams.partition.state_folder import LogExtent, check_published

SecondsLeft = Callable[[TP, int, bytes], float]
"""How long the lease of another node may last that a partition's owner's record, at an offset, speaks of."""

log = logging.getLogger(__name__)


class Assignment:
    """Keeps `partitions` as the group has assigned them; `failure` gets what makes it impossible to go on."""

    def __init__(
        self,
        kafka: KafkaAccess,
        topics: Topics,
        opener: PartitionOpener,
        partitions: OwnedPartitions,
        settlement: SettlementAmongNodes,
        failure: Failure,
        seconds_left: SecondsLeft,
    ) -> None:
        self._kafka = kafka
        self._topics = topics
        self._opener = opener
        self._partitions = partitions
        self._runtimes = partitions.runtimes
        self._settlement = settlement
        self._failure = failure
        self._seconds_left = seconds_left
        self._changing = asyncio.Lock()

    async def assign(self, assigned: Set[TP]) -> Mapping[TP, int]:
        """Releases what is lost and acquires what is new; returns the offset from which each partition is read."""
        async with self._changing:
            self._partitions.expect(frozenset(assigned))
            await self._release(
                [
                    tp
                    for tp, runtime in self._runtimes.items()
                    if tp not in assigned or runtime.relay.may_be_lost
                ]
            )
            new = sorted(tp for tp in assigned if tp not in self._runtimes)
            try:
                await asyncio.gather(*(self._acquire(tp) for tp in new))
            except OperatorError as error:
                self._failure.report(error)
                raise
            return {tp: self._runtimes[tp].state.applied + 1 for tp in assigned}

    def applied(self, tp: TP) -> int:
        """The offset up to which a partition is folded, -1 when it is not here."""
        runtime = self._runtimes.get(tp)
        return NOTHING if runtime is None else runtime.state.applied

    def member(self, node_id: str) -> Member:
        """What this node says of itself to the group: the partitions of events that it owns."""
        copies = {
            tp.partition: runtime.state.applied
            for tp, runtime in self._runtimes.items()
            if tp.topic == self._topics.events and not runtime.relay.may_be_lost
        }
        return Member(node_id, frozenset(copies), copies)

    async def remove_leftovers(self) -> None:
        """Removes the states of partitions that another node owns by now: copies that no purge would clean."""
        async with self._changing:
            for tp in self._partitions.elsewhere():
                if await self._opener.remove(tp):
                    log.info("the state of %s-%s is removed: another node owns it", *tp)

    async def release_all(self) -> None:
        """The node stops."""
        await self._release(list(self._runtimes))

    async def _acquire(self, tp: TP) -> None:
        async with log_bounds(self._kafka) as bounds:
            kept = await bounds.first_since(*tp, unix_ms() - TOMBSTONES_SEEN_SECONDS * 1000)
            extent = LogExtent(await bounds.begin(*tp), kept, await bounds.end(*tp))
            runtime = await self._opener.open(tp, extent)
            try:
                runtime.expect_end(extent.end)
                await runtime.relay.start()
                if self._was_elsewhere(runtime) and extent.begin == 0:
                    await runtime.close()
                    await self._opener.remove(tp)
                    log.info("the state of %s-%s is folded again: another node owned it since", *tp)
                    runtime = await self._opener.open(tp, extent)
                    await runtime.relay.start()
                await self._former_lease_is_over(runtime)
                # The end is read last: a former owner may have appended and published until it was fenced.
                end = await bounds.end(*tp)
                runtime.expect_end(end)
                check_published(tp, end, runtime.state.published)
                outputs = await bounds.ends(self._settles(tp.topic), range(self._topics.partitions))
            except BaseException:
                await runtime.close()
                raise
        self._settlement.acquire(runtime.state, outputs)
        readable = partial(check_readable, self._kafka, TopicPartition(*tp))
        runtime.start(partial(self._end, tp), readable)
        self._partitions.add(tp, runtime)

    def _was_elsewhere(self, runtime: PartitionRuntime) -> bool:
        """Whether the state has missed an owner, and with it perhaps a purge, which was of that owner's files."""
        return runtime.state.applied > NOTHING and runtime.relay.was_anothers

    async def _former_lease_is_over(self, runtime: PartitionRuntime) -> None:
        """Rule 5 of `streams.partition.leases`; the relay has fenced the former owner."""
        former = runtime.relay.former_owner
        if former is None:
            return
        seconds = self._seconds_left(runtime.tp, *former)
        if seconds > 0:
            log.info("%s-%s: the lease of its former owner lasts %.1f s", *runtime.tp, seconds)
            await asyncio.sleep(seconds)

    async def _end(self, tp: TP) -> int:
        async with log_bounds(self._kafka) as bounds:
            return await bounds.end(*tp)

    def _settles(self, topic: str) -> str:
        """The topic of those outputs that the settlement waits for: claims from events, releases from claims."""
        return self._topics.emails if topic == self._topics.events else self._topics.events

    async def _release(self, lost: list[TP]) -> None:
        runtimes = [self._partitions.take_out(tp) for tp in lost]
        await asyncio.gather(*(runtime.close() for runtime in runtimes))
        for runtime in runtimes:
            self._settlement.lose(runtime.state)
