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
from streams.partition.progress import OWNER_KEY

log = logging.getLogger(__name__)

_POLL_MS: Final = 500
_RETRY_SECONDS: Final = 1.0


class Owner(msgspec.Struct, frozen=True):
    """A node, by its id, and the URL at which the others reach it."""

    node: str
    url: str

    def encode(self) -> bytes:
        """The value of its records."""
        return msgspec.json.encode(self)


class Owners:
    """The owners of all partitions, kept up to date; `me` is this node."""

    def __init__(self, kafka: KafkaAccess, topics: Topics, me: Owner) -> None:
        self.me = me
        self._kafka = kafka
        self._owners: dict[TP, Owner] = {}
        self._changed = asyncio.Event()
        self._sources = {
            topics.progress_partition(topic, partition): TP(topic, partition)
            for topic in (topics.events, topics.emails)
            for partition in range(topics.partitions)
        }
        self._topic = topics.progress

    def elsewhere(self, tp: TP) -> Owner | None:
        """The other node that owns the partition; None where it is this one, or not known."""
        owner = self._owners.get(tp)
        return None if owner is None or owner.node == self.me.node else owner

    def others(self) -> set[Owner]:
        """The other nodes that own partitions."""
        return {owner for owner in self._owners.values() if owner.node != self.me.node}

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
            except KafkaError as error:
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
                            self._note(self._sources[place.partition], record.value)
        finally:
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    def _note(self, tp: TP, value: bytes) -> None:
        owner = msgspec.json.decode(value, type=Owner)
        if self._owners.get(tp) != owner:
            self._owners[tp] = owner
            self._changed.set()
            self._changed = asyncio.Event()
