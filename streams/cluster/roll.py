# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""The nodes of a deployment as the log has them at a moment, for an operator."""

from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_between
from streams.log.topics import Topics
from streams.partition.leases import Owner
from streams.partition.progress import OWNER_KEY


class Held(NamedTuple):
    """A partition of ``profile-events``: its last owner, and when its lease was renewed or released, unix ms."""

    partition: int
    owner: Owner
    at: int


async def read_roll(kafka: KafkaAccess, topics: Topics) -> list[Held]:
    """The last owner of each partition that has had one."""
    consumer = make_reader(kafka, committed=True)
    await consumer.start()
    try:
        found = [await _last(consumer, topics, partition) for partition in range(topics.partitions)]
    finally:
        await consumer.stop()
    return [held for held in found if held is not None]


async def _last(consumer: AIOKafkaConsumer, topics: Topics, partition: int) -> Held | None:
    place = TopicPartition(topics.progress, topics.progress_partition(topics.events, partition))
    consumer.assign([place])
    begin = (await consumer.beginning_offsets([place]))[place]
    end = (await consumer.end_offsets([place]))[place]
    held: Held | None = None
    async for record in read_between(consumer, place, begin, end):
        if record.key == OWNER_KEY and record.value is not None:
            owner = msgspec.json.decode(record.value, type=Owner)
            held = Held(partition, owner, record.timestamp)
    return held
