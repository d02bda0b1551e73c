# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""An operator's decisions about records that cannot be folded (contract §15).

A decision passes one record over. It is a record of its own, in partition 0 of ``progress`` beside the log's marker: so
whoever folds the log has it before the record that it is about. It is kept for ever, for every replay follows it.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_between
from streams.log.topics import Topics

_KEY: Final = b"set-aside "


class SetAside(msgspec.Struct, frozen=True):
    """The record at this position is passed over. `at` in unix milliseconds; `why` are the operator's words."""

    topic: str
    partition: int
    offset: int
    at: int
    why: str

    @property
    def key(self) -> bytes:
        """The key of the decision's record."""
        return b"%b%b-%d:%d" % (_KEY, self.topic.encode(), self.partition, self.offset)


class Decisions:
    """All decisions of a log, in the order in which they were made."""

    def __init__(self, made: Iterable[SetAside] = ()) -> None:
        self.made = list(made)

    def offsets(self, topic: str, partition: int) -> frozenset[int]:
        """Which records of a partition are passed over."""
        source = topic, partition
        return frozenset(
            each.offset for each in self.made if (each.topic, each.partition) == source
        )


async def read_decisions(kafka: KafkaAccess, topics: Topics) -> Decisions:
    """The decisions that the log has now."""
    decisions = TopicPartition(topics.progress, 0)
    consumer = make_reader(kafka)
    await consumer.start()
    try:
        consumer.assign([decisions])
        begin = (await consumer.beginning_offsets([decisions]))[decisions]
        end = (await consumer.end_offsets([decisions]))[decisions]
        return Decisions(
            [
                msgspec.json.decode(record.value, type=SetAside)
                async for record in read_between(consumer, decisions, begin, end)
                if record.key.startswith(_KEY) and record.value is not None
            ]
        )
    finally:
        await consumer.stop()


class KnownDecisions:
    """The decisions as this process has last read them: read once at its start, for all that it folds.

    One that is made later is found by what has stopped at its record, which reads them again.
    """

    def __init__(self, kafka: KafkaAccess, topics: Topics) -> None:
        self._kafka = kafka
        self._topics = topics
        self._known = Decisions()

    async def read(self) -> None:
        """Read the decisions that there are now. Raises `KafkaError`."""
        self._known = await read_decisions(self._kafka, self._topics)

    def offsets(self, topic: str, partition: int) -> frozenset[int]:
        """Which records of a partition are passed over."""
        return self._known.offsets(topic, partition)


async def append_decision(kafka: KafkaAccess, topics: Topics, decision: SetAside) -> None:
    """Append a decision; from then on every fold of the log follows it."""
    producer = AIOKafkaProducer(**kafka.client_options(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        value = msgspec.json.encode(decision)
        await producer.send_and_wait(topics.progress, value, key=decision.key, partition=0)
    finally:
        await producer.stop()
