"""What is taken from the inside of an aiokafka consumer, on the objects that it has after a fetch."""

# aiokafka is annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from private_names.of_aiokafka import damaged_partition, fetched_to, hand_out_as_fetched

PLACE = TopicPartition("topic", 3)
ELSEWHERE = TopicPartition("topic", 4)


def fetched(count: int) -> PartitionRecords:
    """The records of one fetch, at the offsets 0, 1, …"""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset in range(count):
        batch.append(offset, 1000 + offset, b"key", b"value", [("header", b"h")])
    return PartitionRecords(PLACE, MemoryRecords(bytes(batch.build())), [], 0, None, None, True, 0)


def test_the_error_of_a_checksum_names_its_partition() -> None:
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    batch.append(0, 1000, b"key", b"value", [])
    damaged = bytes(batch.build())[:-1] + b"\xff"
    records = PartitionRecords(PLACE, MemoryRecords(damaged), [], 0, None, None, True, 0)

    with pytest.raises(CorruptRecordException) as caught:
        next(records)

    assert damaged_partition(caught.value) == PLACE


def consumer_with(result: object) -> AIOKafkaConsumer:
    fetcher = SimpleNamespace(_records={PLACE: result})
    return cast("AIOKafkaConsumer", SimpleNamespace(_fetcher=fetcher))


def test_what_is_fetched_is_handed_out_as_it_is() -> None:
    records = fetched(3)
    first: Any = next(records)
    result = FetchResult(PLACE, assignment=None, partition_records=records, backoff=0)

    hand_out_as_fetched(consumer_with(result))

    second, third = cast("list[Any]", list(records))
    assert type(first) is ConsumerRecord
    assert ConsumerRecord not in (type(second), type(third))
    assert [(each.offset, each.timestamp, each.key, each.value) for each in (second, third)] == [
        (1, 1001, b"key", b"value"),
        (2, 1002, b"key", b"value"),
    ]


def test_an_error_and_a_fetch_that_is_read_to_its_end_are_left_alone() -> None:
    read = FetchResult(PLACE, assignment=None, partition_records=None, backoff=0)

    hand_out_as_fetched(consumer_with(FetchError(error=ValueError(), backoff=0)))
    hand_out_as_fetched(consumer_with(read))

    assert not read.has_more()


def test_the_position_is_known_once_there_is_one() -> None:
    async def positions() -> list[int | None]:
        subscription = SubscriptionState()
        consumer = cast("AIOKafkaConsumer", SimpleNamespace(_subscription=subscription))
        found = [fetched_to(consumer, PLACE)]
        subscription.assign_from_user([PLACE])
        found.append(fetched_to(consumer, PLACE))
        subscription.seek(PLACE, 7)
        return [*found, fetched_to(consumer, PLACE), fetched_to(consumer, ELSEWHERE)]

    assert asyncio.run(positions()) == [None, None, 7, None]
