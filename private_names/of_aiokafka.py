# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""The private names of aiokafka."""

import re
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException

from private_names.checked import Library

AIOKAFKA: Final = Library("aiokafka", "0.14.0")
_INVALID_CRC: Final = re.compile(
    r"Invalid CRC - TopicPartition\(topic='([^']+)', partition=(\d+)\)"
)

with AIOKAFKA.importing():
    from aiokafka.cluster import ClusterMetadata
    from aiokafka.conn import create_conn
    from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
    from aiokafka.consumer.subscription_state import (
        Assignment,
        Subscription,
        SubscriptionState,
        TopicPartitionState,
    )
    from aiokafka.coordinator.protocol import (
        ConsumerProtocolMemberAssignment,
        ConsumerProtocolMemberMetadata,
    )
    from aiokafka.producer import sender
    from aiokafka.producer.message_accumulator import BatchBuilder
    from aiokafka.protocol.metadata import MetadataRequest

__all__ = [
    "AIOKAFKA",
    "BatchBuilder",
    "ClusterMetadata",
    "ConsumerProtocolMemberAssignment",
    "ConsumerProtocolMemberMetadata",
    "MetadataRequest",
    "create_conn",
    "damaged_partition",
    "fetched_to",
    "hand_out_as_fetched",
    "set_fetch_min_bytes",
    "set_transaction_backoff",
]

AIOKAFKA.check_names(
    {
        sender: ("BACKOFF_OVERRIDE",),
        ClusterMetadata: ("partitions_for_topic",),
        ConsumerProtocolMemberAssignment: ("partitions",),
        AIOKafkaConsumer: ("_fetcher", "_subscription"),
        Fetcher: ("_fetch_min_bytes", "_records", "fetched_records"),
        FetchResult: ("_partition_records",),
        PartitionRecords: ("_consumer_record",),
        SubscriptionState: ("subscription",),
        Subscription: ("assignment",),
        Assignment: ("state_value", "tps"),
        TopicPartitionState: ("has_valid_position", "position"),
    }
)
AIOKAFKA.check_parameters({PartitionRecords._consumer_record: ("tp", "record")})


def hand_out_as_fetched(consumer: AIOKafkaConsumer) -> None:
    """Of what is fetched already, hand out aiokafka's own records: with offset, timestamp, key and value.

    A ConsumerRecord of eleven fields for each costs as much again. What comes while a caller waits is still made into
    those. aiokafka makes the fetch's object itself and has no place for a subclass, so a method of the object is
    replaced; to give it another class afterwards would cost 0.1 us a record.
    """
    fetcher: Any = consumer._fetcher  # there since the start
    for result in fetcher._records.values():
        if type(result) is FetchResult and result._partition_records is not None:
            result._partition_records._consumer_record = _as_fetched


def _as_fetched(_tp: Any, record: Any) -> Any:
    return record


def fetched_to(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """The offset behind what was handed out; None where it is not known yet, or the partition is not assigned.

    The public `position` waits until it is known.
    """
    subscription: Any = consumer._subscription.subscription
    assignment = None if subscription is None else subscription.assignment
    if assignment is None or partition not in assignment.tps:
        return None
    state = assignment.state_value(partition)
    return state.position if state.has_valid_position else None


def set_fetch_min_bytes(consumer: AIOKafkaConsumer, size: int) -> None:
    """How much Kafka is to have for the next fetch before it answers it; else it lets it wait."""
    fetcher: Any = consumer._fetcher  # there since the start
    fetcher._fetch_min_bytes = size


def damaged_partition(error: CorruptRecordException) -> TopicPartition:
    """The partition that a consumer's error of a checksum names, in its text alone."""
    found = _INVALID_CRC.search(str(error))
    assert found is not None, "the text of the locked version"
    return TopicPartition(found[1], int(found[2]))


def set_transaction_backoff(seconds: float) -> None:
    """How long every producer of the process waits while the former transaction's markers are being written."""
    sender.BACKOFF_OVERRIDE = seconds
