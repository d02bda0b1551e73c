# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Partitions that a record has stopped, because it cannot be folded, and how they go on (contract §15).

1. The records before it are folded. What is delivered behind it is dropped, and only its offset remembered.
2. While anything is stopped the decisions are read again every second.
3. Once the record is set aside, the partition is read again from what is applied up to what was delivered. Then
   the consumer's next chunk follows. If another record cannot be folded on the way, the partition stops there.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from aiokafka import TopicPartition

from projections.partition import PartitionState, Record, fold_to_the_bad_one
from schemas.errors import Unavailable, Unfoldable
from streams.log.decisions import KnownDecisions
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_chunks

log = logging.getLogger(__name__)

_DECISION_SECONDS: Final = 1.0


class Stoppable(Protocol):
    """What this needs of a partition (`streams.partition.runtime`)."""

    state: PartitionState
    stopped: Unfoldable | None
    delivered: int
    resuming: asyncio.Task[None] | None

    def fold(self, records: Sequence[Record]) -> None: ...

    def note_applied(self) -> None: ...


class Stops:
    """The stopped partitions of a node."""

    def __init__(self, kafka: KafkaAccess, decisions: KnownDecisions) -> None:
        self._kafka = kafka
        self._decisions = decisions

    def follow_decisions(self, partition: Stoppable) -> None:
        """The partition's fold passes over what is set aside, as far as the decisions were read."""
        state = partition.state
        state.set_aside = self._decisions.offsets(state.topic, state.partition)

    def stop(self, partition: Stoppable, error: Unfoldable, delivered: int) -> None:
        """A record cannot be folded; the consumer has delivered up to the offset `delivered`."""
        partition.stopped = error
        partition.delivered = delivered
        log.error("%s", error)
        partition.resuming = asyncio.create_task(
            self._go_on(partition), name=f"wait for a decision on {error.topic}-{error.partition}"
        )

    async def _go_on(self, partition: Stoppable) -> None:
        while (stopped := partition.stopped) is not None:
            await asyncio.sleep(_DECISION_SECONDS)
            try:
                await self._decisions.read()
                self.follow_decisions(partition)
                if stopped.offset in partition.state.set_aside:
                    await self._read_again(partition)
            except Unfoldable as error:
                partition.stopped = error
                log.error("%s", error)
            except Exception as error:
                log.warning("%s-%s is tried again: %s", stopped.topic, stopped.partition, error)

    async def _read_again(self, partition: Stoppable) -> None:
        """Step 3. Raises `Unfoldable`."""
        state = partition.state
        source = TopicPartition(state.topic, state.partition)
        consumer = make_reader(self._kafka, committed=True)
        await consumer.start()
        try:
            consumer.assign([source])
            while state.applied < partition.delivered:
                end = partition.delivered + 1
                async for records in read_chunks(consumer, source, state.applied + 1, end):
                    fold_to_the_bad_one(state, records, partition.fold)
                    await asyncio.sleep(0)
                state.advance(end - 1)
            # No await from here on: the next chunk follows what is applied now.
            partition.stopped = None
            partition.note_applied()
        finally:
            await consumer.stop()
        log.info("%s-%s goes on", state.topic, state.partition)


def stopped() -> Unavailable:
    """The answer of what needs a partition that has stopped."""
    return Unavailable(
        "the service has stopped at a record that it cannot fold: nothing was written; its operator finds the record "
        "at /ready",
        retry_after=30,
    )
