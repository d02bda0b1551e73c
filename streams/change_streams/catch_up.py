# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Reading what a stream has missed, from ``profiles`` itself: one consumer for all of them, a portion at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from streams.change_streams.change_record import KafkaRecord
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader

_POLL_MS: Final = 100
_FETCH_MS: Final = 500
_PORTION_RECORDS: Final = 500
_PORTION_BYTES: Final = 256 << 10
_STALL_SECONDS: Final = 15.0


class CatchUpReader:
    """Reads portions of the topic, of any partition, in turn for each who asks."""

    def __init__(self, kafka: KafkaAccess, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._next: tuple[TopicPartition, int] | None = None

    async def stop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            # Where Kafka is gone, aiokafka lets a cancellation of its own out.
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    async def read(self, partition: int, start: int, end: int) -> tuple[list[KafkaRecord], int]:
        """The first committed records with start <= offset < end, and the offset behind them.

        At most 500 records, or 256 KiB and one more. Raises `Unavailable` when Kafka does not answer.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(_STALL_SECONDS):
                    return await self._read(partition, start, end)
            except (TimeoutError, KafkaError):
                raise Unavailable("the log cannot be read, try again") from None

    async def _read(self, partition: int, start: int, end: int) -> tuple[list[KafkaRecord], int]:
        consumer = self._consumer or await self._start()
        tp = TopicPartition(self._topic, partition)
        if tp not in consumer.assignment():
            consumer.assign([tp])
        if self._next != (tp, start):
            consumer.seek(tp, start)
        self._next = None
        position, taken = start, list[KafkaRecord]()
        while position == start:
            found = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=_PORTION_RECORDS)
            # By the position, for the last records may be markers or compacted away.
            position = await consumer.position(tp)
            records = found.get(tp, [])
            wanted = [each for each in records if each.offset < end]
            taken = list(_portion(wanted))
            if len(taken) < len(wanted):
                return taken, taken[-1].offset + 1
            if len(wanted) < len(records):
                return taken, end  # what came behind the end meanwhile is for another to show
        self._next = tp, position
        return taken, position

    async def _start(self) -> AIOKafkaConsumer:
        consumer = make_reader(
            self._kafka, committed=True, reset="earliest", fetch_max_wait_ms=_FETCH_MS
        )
        try:
            await consumer.start()
        except BaseException:
            await asyncio.gather(consumer.stop(), return_exceptions=True)
            raise
        self._consumer = consumer
        return consumer


def _portion(records: Sequence[KafkaRecord]) -> Iterator[KafkaRecord]:
    size = 0
    for record in records:
        yield record
        size += len(record.value or b"")
        if size >= _PORTION_BYTES:
            return
