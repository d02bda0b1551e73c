# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false
# aiokafka is annotated in part.
"""Reading a stretch of one partition, by a consumer without a group."""

from collections.abc import AsyncGenerator
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult

_POLL_MS: Final = 200


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
    """Of what is fetched already, hand out aiokafka's own records: with offset, timestamp, key, value and headers.

    A ConsumerRecord of eleven fields for each costs as much again.
    """
    for result in consumer._fetcher._records.values():
        if type(result) is FetchResult and result._partition_records is not None:
            result._partition_records._consumer_record = _as_fetched


def _as_fetched(_: Any, record: Any) -> Any:
    return record
