# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""How far the outputs of each source partition are published: read from ``progress`` (design "Topics").

The record's key is the source, `<topic>-<partition>`; its value is an offset: the outputs of every event below it
are published. It is written in the transaction that publishes them. Beside it lies the record that says who owns the
partition (`streams.cluster.owners`): only who has not been fenced can write it.
"""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.log.damage import damage_in_words
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_between
from streams.log.topics import Topics
from streams.log.transactions import Publication

_TAIL: Final = 512
OWNER_KEY: Final = b"owner"


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


def owner_record(topics: Topics, topic: str, partition: int, owner: bytes) -> Publication:
    """The record that says who owns `topic`-`partition`, for every node."""
    return Publication(
        topics.progress, topics.progress_partition(topic, partition), OWNER_KEY, owner
    )


class ProgressReader:
    """Reads the progress of a source partition; `owner` is its owner's record as it was last read, with its offset."""

    def __init__(self, kafka: KafkaAccess, topics: Topics, topic: str, partition: int) -> None:
        self.owner: tuple[int, bytes] | None = None
        self._kafka = kafka
        self._source = source_key(topic, partition)
        self._place = TopicPartition(topics.progress, topics.progress_partition(topic, partition))

    async def read(self) -> int | None:
        """The progress, committed records only; None when there is none yet. Raises `DamagedLog`."""
        async with damage_in_words(self._kafka):
            return await self._read()

    async def _read(self) -> int | None:
        place = self._place
        consumer = make_reader(self._kafka, committed=True)
        await consumer.start()
        try:
            consumer.assign([place])
            begin = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            tail = max(begin, end - _TAIL)
            found = await self._last(consumer, tail, end)
            # The tail may hold nothing but aborted records and owners; then the whole partition says.
            return (
                found
                if found is not None or tail == begin
                else await self._last(consumer, begin, end)
            )
        finally:
            await consumer.stop()

    async def _last(self, consumer: AIOKafkaConsumer, start: int, end: int) -> int | None:
        found: int | None = None
        async for record in read_between(consumer, self._place, start, end):
            if record.key == self._source and record.value is not None:
                found = int(record.value)
            elif record.key == OWNER_KEY and record.value is not None:
                self.owner = record.offset, record.value
        return found
