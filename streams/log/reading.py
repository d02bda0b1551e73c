# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Every consumer is made here; and reading a stretch of one partition."""

import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition

from private_names.of_aiokafka import hand_out_as_fetched
from schemas.errors import DamagedLog
from streams.log.kafka_access import KafkaAccess

_POLL_MS: Final = 200
_FETCH_MS: Final = 10
# An open transaction, too, holds up those who read what is committed, for 12 s at most.
_STILL_SECONDS: Final = 10.0
_ANSWERED_SECONDS: Final = 5.0


def make_reader(
    kafka: KafkaAccess,
    *,
    committed: bool = False,
    reset: Literal["latest", "earliest", "none"] = "latest",
    fetch_max_wait_ms: int = _FETCH_MS,
    max_partition_fetch_bytes: int = 1 << 20,
) -> AIOKafkaConsumer:
    """A consumer without a group, to be started, assigned partitions and stopped.

    `reset` is where it begins in a partition without a seek. aiokafka fetches from the moment of an assignment on,
    before a seek at the partition's end. Such a fetch holds up the next one for as long as Kafka may let it wait
    (`fetch_max_wait_ms`): short for what reads a stretch and ends, long for what stays at the end.
    """
    return _make_consumer(
        kafka,
        committed=committed,
        auto_offset_reset=reset,
        fetch_max_wait_ms=fetch_max_wait_ms,
        max_partition_fetch_bytes=max_partition_fetch_bytes,
    )


def make_group_member(kafka: KafkaAccess, *, group_id: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer of committed records in a group, which commits nothing by itself; `options` as aiokafka names them."""
    return _make_consumer(
        kafka, committed=True, auto_offset_reset="earliest", group_id=group_id, **options
    )


def _make_consumer(kafka: KafkaAccess, *, committed: bool, **options: Any) -> AIOKafkaConsumer:
    """Every consumer of the service."""
    return AIOKafkaConsumer(
        **kafka.client_options(),
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
        **options,
    )


class LogBounds:
    """Reads where partitions end and where a time begins in them, what is not committed included; use `log_bounds`."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def ends(self, topic: str, partitions: Iterable[int]) -> Mapping[int, int]:
        """The offset behind the last record of each."""
        tps = [TopicPartition(topic, partition) for partition in partitions]
        found = await self._consumer.end_offsets(tps)
        return {tp.partition: found[tp] for tp in tps}

    async def end(self, topic: str, partition: int) -> int:
        """The offset behind the last record."""
        return (await self.ends(topic, [partition]))[partition]

    async def begin(self, topic: str, partition: int) -> int:
        """The offset of the first record that may still be there; compaction does not move it."""
        tp = TopicPartition(topic, partition)
        return (await self._consumer.beginning_offsets([tp]))[tp]

    async def first_since(self, topic: str, partition: int, ms: int) -> int:
        """The offset of the first record that was appended at this time, Unix milliseconds, or later; else the end."""
        tp = TopicPartition(topic, partition)
        end = await self.end(topic, partition)
        found = (await self._consumer.offsets_for_times({tp: ms}))[tp]
        return end if found is None else found.offset


@contextlib.asynccontextmanager
async def log_bounds(kafka: KafkaAccess) -> AsyncGenerator[LogBounds]:
    """Reads bounds until the block ends."""
    consumer = make_reader(kafka)
    await consumer.start()
    try:
        yield LogBounds(consumer)
    finally:
        await consumer.stop()


async def read_between(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int
) -> AsyncGenerator[Any]:
    """The records with start <= offset < end, as `consumer`, which is assigned `tp`, sees them."""
    async for records in read_chunks(consumer, tp, start, end):
        for record in records:
            yield record


async def read_chunks(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int
) -> AsyncGenerator[list[Any]]:
    """The same records, as many at a time as were fetched.

    It ends by the consumer's position, for the last records may be markers or compacted away. Raises `DamagedLog` when
    that stays where it is (`Standstill`).
    """
    consumer.seek(tp, start)
    standstill = Standstill(consumer, tp)
    while (position := await consumer.position(tp)) < end:
        await standstill.check(position)
        hand_out_as_fetched(consumer)
        yield (await consumer.getmany(tp, timeout_ms=_POLL_MS)).get(tp, [])


class Standstill:
    """Whether a reader that is not at the end of a partition stands still there.

    Kafka hands out nothing, and no error, from a batch on whose length is not what was written, if that is in the last
    file of the partition.
    """

    def __init__(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> None:
        self._consumer = consumer
        self._tp = tp
        self._position = -1
        self._since = 0.0
        self._answers = False

    async def check(self, position: int) -> None:
        """Raises `DamagedLog` when the position has not changed for long, although Kafka answers."""
        now = time.monotonic()
        if position != self._position:
            self._position, self._since, self._answers = position, now, False
        elif now - self._since > (_ANSWERED_SECONDS if self._answers else _STILL_SECONDS):
            if self._answers:
                what = "Kafka hands out nothing from there on, though it says that there is more"
                raise DamagedLog(self._tp.topic, self._tp.partition, position, what)
            # A Kafka that was away hands out nothing either; this waits for one that is.
            await self._consumer.end_offsets([self._tp])
            self._since, self._answers = time.monotonic(), True
