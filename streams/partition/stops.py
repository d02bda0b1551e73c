# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Partitions that a record has stopped, because it cannot be folded, and how they go on (contract §15).

1. The records before it are folded. What Faust delivers behind it is dropped, and only its offset remembered.
2. While anything is stopped the decisions are read again every second.
3. Once the record is set aside, the partition is read again from what is applied up to what was delivered. Then
   Faust's next chunk follows. If another record cannot be folded on the way, the partition stops there.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import TopicPartition

from projections.partition import Record, fold_to_the_bad_one
from schemas.errors import Unavailable, Unfoldable
from streams.log.decisions import KnownDecisions
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_chunks
from streams.partition.runtime import Owned

log = logging.getLogger(__name__)

_DECISION_SECONDS: Final = 1.0

Fold = Callable[[Owned, Sequence[Record]], None]


class Stops:
    """The stopped partitions of a node."""

    def __init__(self, kafka: KafkaAccess, decisions: KnownDecisions) -> None:
        self._kafka = kafka
        self._decisions = decisions

    def take(self, owned: Owned) -> None:
        """A partition came here: its fold follows the decisions."""
        owned.state.set_aside = self._decisions.offsets(owned.state.topic, owned.state.partition)

    def stop(self, owned: Owned, error: Unfoldable, delivered: int, fold: Fold) -> None:
        """A record cannot be folded by `fold`; Faust has delivered up to the offset `delivered`."""
        owned.stopped = error
        owned.delivered = delivered
        log.error("%s", error)
        owned.resuming = asyncio.create_task(
            self._go_on(owned, fold), name=f"wait for a decision on {error.topic}-{error.partition}"
        )

    async def _go_on(self, owned: Owned, fold: Fold) -> None:
        while (stopped := owned.stopped) is not None:
            await asyncio.sleep(_DECISION_SECONDS)
            try:
                await self._decisions.read()
                self.take(owned)
                if stopped.offset in owned.state.set_aside:
                    await self._read_again(owned, fold)
            except Unfoldable as error:
                owned.stopped = error
                log.error("%s", error)
            except Exception as error:
                log.warning("%s-%s is tried again: %s", stopped.topic, stopped.partition, error)

    async def _read_again(self, owned: Owned, fold: Fold) -> None:
        """Step 3. Raises `Unfoldable`."""
        state = owned.state
        place = TopicPartition(state.topic, state.partition)
        consumer = make_reader(self._kafka, committed=True)
        await consumer.start()
        try:
            consumer.assign([place])
            while state.applied < owned.delivered:
                end = owned.delivered + 1
                async for records in read_chunks(consumer, place, state.applied + 1, end):
                    fold_to_the_bad_one(state, records, lambda some: fold(owned, some))
                    await asyncio.sleep(0)
                state.advance(end - 1)
            # No await from here on: the next chunk follows what is applied now.
            owned.stopped = None
            owned.look()
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
