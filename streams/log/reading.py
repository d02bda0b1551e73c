# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false
# aiokafka is annotated in part.
"""Reading a stretch of one partition, by a consumer without a group."""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from streams.log.kafka_access import KafkaAccess

_POLL_MS: Final = 200
_FETCH_MS: Final = 10

ReadEnds: TypeAlias = Callable[[str, Iterable[int]], Awaitable[Mapping[int, int]]]
"""From a topic and partitions of it to the offset behind the last record of each."""


def make_reader(
    kafka: KafkaAccess, *, committed: bool = False, max_partition_fetch_bytes: int = 1 << 20
) -> AIOKafkaConsumer:
    """A consumer without a group, to be started, assigned partitions and stopped.

    aiokafka fetches from the moment of an assignment on, before a seek at the partition's end. Such a fetch holds up
    the next one for as long as Kafka may let it wait, which is half a second if nothing is said.
    """
    return AIOKafkaConsumer(
        **kafka.client_options(),
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
        fetch_max_wait_ms=_FETCH_MS,
        max_partition_fetch_bytes=max_partition_fetch_bytes,
    )


@contextlib.asynccontextmanager
async def end_reader(kafka: KafkaAccess) -> AsyncGenerator[ReadEnds]:
    """Reads, until the block ends, where partitions of a topic end, what is not committed included."""
    consumer = make_reader(kafka)

    async def read(topic: str, partitions: Iterable[int]) -> Mapping[int, int]:
        places = [TopicPartition(topic, partition) for partition in partitions]
        found = await consumer.end_offsets(places)
        return {place.partition: found[place] for place in places}

    await consumer.start()
    try:
        yield read
    finally:
        await consumer.stop()


async def read_between(
    consumer: AIOKafkaConsumer, place: TopicPartition, start: int, end: int
) -> AsyncGenerator[Any]:
    """The records with start <= offset < end, as `consumer`, which is assigned `place`, sees them."""
    async for records in read_chunks(consumer, place, start, end):
        for record in records:
            yield record


async def read_chunks(
    consumer: AIOKafkaConsumer, place: TopicPartition, start: int, end: int
) -> AsyncGenerator[list[Any]]:
    """The same records, as many at a time as were fetched.

    It ends by the consumer's position, for the last records may be markers or compacted away.
    """
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        keep_as_fetched(consumer)
        yield (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])


def keep_as_fetched(consumer: Any) -> None:
    """Of what is fetched already, hand out aiokafka's own records: with offset, timestamp, key and value.

    A ConsumerRecord of eleven fields for each costs as much again. What comes while a caller waits is still made into
    those.
    """
    for result in consumer._fetcher._records.values():
        if type(result) is FetchResult and result._partition_records is not None:
            result._partition_records._consumer_record = _as_fetched


def _as_fetched(_: Any, record: Any) -> Any:
    return record
