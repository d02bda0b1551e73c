# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""How far the outputs of each source partition are published: read from ``progress`` (design "Topics").

The record's key is the source, `<topic>-<partition>`; its value is an offset: the outputs of every event below it
are published. It is written in the transaction that publishes them.
"""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.log.damage import damage_in_words
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_between
from streams.log.topics import Topics
from streams.log.transactions import Publication

_TAIL: Final = 512


def source_key(topic: str, partition: int) -> bytes:
    return f"{topic}-{partition}".encode()


def progress_record(topics: Topics, topic: str, partition: int, published: int) -> Publication:
    """The record that says: outputs of `topic`-`partition` are published below the offset `published`."""
    return Publication(
        topics.progress,
        topics.progress_partition(topic, partition),
        source_key(topic, partition),
        b"%d" % published,
    )


async def read_progress(
    kafka: KafkaAccess, topics: Topics, topic: str, partition: int
) -> int | None:
    """The progress of a source partition, committed records only; None when there is none yet. Raises `DamagedLog`."""
    async with damage_in_words(kafka):
        return await _read_progress(kafka, topics, topic, partition)


async def _read_progress(
    kafka: KafkaAccess, topics: Topics, topic: str, partition: int
) -> int | None:
    progress = TopicPartition(topics.progress, topics.progress_partition(topic, partition))
    consumer = make_reader(kafka, committed=True)
    await consumer.start()
    try:
        consumer.assign([progress])
        begin = (await consumer.beginning_offsets([progress]))[progress]
        end = (await consumer.end_offsets([progress]))[progress]
        tail = max(begin, end - _TAIL)
        found = await _last(consumer, progress, tail, end)
        # The tail may hold nothing but aborted records; then the whole partition says.
        return (
            found
            if found is not None or tail == begin
            else await _last(consumer, progress, begin, end)
        )
    finally:
        await consumer.stop()


async def _last(
    consumer: AIOKafkaConsumer, progress: TopicPartition, start: int, end: int
) -> int | None:
    found: int | None = None
    async for record in read_between(consumer, progress, start, end):
        if record.value is not None:
            found = int(record.value)
    return found
