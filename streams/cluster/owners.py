# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Who owns each partition, as ``progress`` says it.

The owner writes its record in a transaction of the partition's transactional id once it is caught up: so nobody can
write one who has been fenced. The last committed record of a partition names its owner.
"""

import asyncio
import contextlib
import logging
from typing import Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader
from streams.log.topics import Topics
from streams.partition.leases import Owner, boot_clock
from streams.partition.progress import OWNER_KEY

log = logging.getLogger(__name__)

_POLL_MS: Final = 500
_RETRY_SECONDS: Final = 1.0


class Owners:
    """The owners of all partitions, kept up to date; `me` is this node."""

    def __init__(self, kafka: KafkaAccess, topics: Topics, me: Owner) -> None:
        self.me = me
        self._kafka = kafka
        # With the offset of the record and when it was received.
        self._owners: dict[TP, tuple[Owner, int, float]] = {}
        self._changed = asyncio.Event()
        self._sources = {
            topics.progress_partition(topic, partition): TP(topic, partition)
            for topic in (topics.events, topics.emails)
            for partition in range(topics.partitions)
        }
        self._topic = topics.progress

    def of(self, tp: TP) -> Owner | None:
        """Who owns the partition, as far as is known: this node too."""
        found = self._owners.get(tp)
        return found[0] if found is not None and found[0].is_held else None

    def elsewhere(self, tp: TP) -> Owner | None:
        """The other node that owns the partition; None where it is this one, or not known."""
        owner = self.of(tp)
        return None if owner is None or owner.node == self.me.node else owner

    def is_known(self, tp: TP) -> bool:
        """Whether another node owned the partition last: it is asked, or the next one, once it is known."""
        found = self._owners.get(tp)
        return found is not None and found[0].node != self.me.node

    def others(self) -> set[Owner]:
        """The other nodes that own partitions; as they are reached, whatever their leases."""
        return {
            msgspec.structs.replace(owner, seconds=0.0)
            for owner, _, _ in self._owners.values()
            if owner.is_held and owner.node != self.me.node
        }

    def seconds_left(self, tp: TP, offset: int, record: bytes) -> float:
        """How long another node's lease may last, by its record, which stands at the offset and was just read."""
        owner = msgspec.json.decode(record, type=Owner)
        if owner.has_ended(self.me):
            return 0.0
        found = self._owners.get(tp)
        received = found[2] if found is not None and found[1] == offset else boot_clock()
        return owner.seconds_left(received)

    async def changed(self, seconds: float) -> None:
        """Returns at the next change, or when the time is up."""
        changed = self._changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()

    async def run(self) -> None:
        """Follows ``progress`` until it is cancelled; what fails of Kafka is tried again."""
        while True:
            try:
                await self._follow()
            except (KafkaError, msgspec.MsgspecError) as error:
                log.warning("the owners of partitions cannot be read: %s", type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = make_reader(
            self._kafka, committed=True, reset="earliest", fetch_max_wait_ms=_POLL_MS
        )
        try:
            await consumer.start()
            consumer.assign([TopicPartition(self._topic, number) for number in self._sources])
            while True:
                found = await consumer.getmany(timeout_ms=_POLL_MS)
                for place, records in found.items():
                    for record in records:
                        if record.key == OWNER_KEY and record.value is not None:
                            tp = self._sources[place.partition]
                            self._note(tp, record.offset, record.value)
        finally:
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    def _note(self, tp: TP, offset: int, value: bytes) -> None:
        before = self._owners.get(tp)
        if before is not None and before[1] >= offset:
            return  # read again, after Kafka was away
        owner = msgspec.json.decode(value, type=Owner)
        self._owners[tp] = owner, offset, boot_clock()
        if before is None or before[0] != owner:
            self._changed.set()
            self._changed = asyncio.Event()
