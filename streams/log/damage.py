# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Records that Kafka hands out and that are not what was written: their checksum differs.

aiokafka names the partition and no offset, and what it had fetched before the damaged batch is lost to whoever asks
again. So whoever meets such an error ends, and the offset is found by reading the partition once more.
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError

from private_names.of_aiokafka import damaged_partition
from schemas.errors import DamagedLog
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_chunks

_AT_ONCE: Final = 1000
_POLL_MS: Final = 200


@contextlib.asynccontextmanager
async def damage_in_words(kafka: KafkaAccess) -> AsyncGenerator[None]:
    """Raises `DamagedLog` in place of aiokafka's error, which lacks the offset."""
    try:
        yield
    except CorruptRecordException as error:
        raise await damage_of(kafka, error) from error


async def check_readable(kafka: KafkaAccess, tp: TopicPartition, position: int) -> None:
    """Raises `DamagedLog` when what stands from the position on cannot be read, as far as Kafka can be asked.

    It takes some seconds to find that Kafka hands out nothing.
    """
    with contextlib.suppress(KafkaError):
        async with damage_in_words(kafka):
            consumer = make_reader(kafka)
            await consumer.start()
            try:
                consumer.assign([tp])
                end = (await consumer.end_offsets([tp]))[tp]
                async with contextlib.aclosing(read_chunks(consumer, tp, position, end)) as chunks:
                    async for records in chunks:
                        if records:
                            return
            finally:
                await consumer.stop()


async def damage_of(kafka: KafkaAccess, error: CorruptRecordException) -> DamagedLog:
    """What such an error says, and the offset from which on the partition cannot be read."""
    tp = damaged_partition(error)
    consumer = make_reader(kafka)
    await consumer.start()
    try:
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        near = await _readable_to(consumer, tp, begin, end, _AT_ONCE)
        offset = await _readable_to(consumer, tp, near, end, 1)
    finally:
        await consumer.stop()
    what = "the checksum of what Kafka has there is not that of what was written"
    return DamagedLog(tp.topic, tp.partition, offset, what)


async def _readable_to(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int, at_once: int
) -> int:
    """An offset before which all can be read; the one at which it ends, when records are read one at a time."""
    consumer.seek(tp, start)
    position = start
    with contextlib.suppress(CorruptRecordException):
        while position < end:
            await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=at_once)
            position = await consumer.position(tp)
    return position
