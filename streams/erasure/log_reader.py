# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Reading the log as it lies in the broker's files: uncommitted and aborted records are bytes too."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Collection
from typing import Any, Final, Self

from aiokafka import TopicPartition

from schemas.errors import Unavailable
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader

# A chunk occupies the loop for some 3 ms; as long as it took, the loop is left to others.
_CHUNK_RECORDS: Final = 250
_POLL_MS: Final = 200
_STALL_SECONDS: Final = 15.0
# A fetch at one offset costs about as much as reading so many records on the way.
_RECORDS_PER_SEEK: Final = 300

Owner = Callable[[bytes, bytes], str | None]
"""Whose a record is, by its key and its value; None for nobody's."""


class LogReader:
    """A consumer without a group; use it as a context manager.

    Every method raises `Unavailable` or a `KafkaError` when Kafka does not answer.
    """

    def __init__(self, kafka: KafkaAccess) -> None:
        self._consumer = make_reader(kafka, fetch_max_wait_ms=_POLL_MS)

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        # Where Kafka is gone, aiokafka lets a cancellation of its own out.
        await asyncio.gather(self._consumer.stop(), return_exceptions=True)

    async def sizes(self, topic: str, partition: int, offsets: Collection[int]) -> dict[int, int]:
        """Which of these offsets are still answered with a record, and the bytes of its key and value."""
        if not offsets:
            return {}
        tp = self._assign(topic, partition)
        first, last = min(offsets), max(offsets)
        found: dict[int, int] = {}
        if len(offsets) * _RECORDS_PER_SEEK < last - first:
            for offset in offsets:
                found |= await self._at(tp, offset)
            return found
        wanted = set(offsets)
        async for chunk in self._chunks(tp, first, last + 1):
            found.update((each.offset, _size(each)) for each in chunk if each.offset in wanted)
        return found

    async def find(
        self, topic: str, partition: int, owner: Owner
    ) -> AsyncGenerator[tuple[int, str]]:
        """Offset and owner of each record with a value that has one, in the whole partition."""
        tp = self._assign(topic, partition)
        begin = (await self._consumer.beginning_offsets([tp]))[tp]
        end = (await self._consumer.end_offsets([tp]))[tp]
        async for chunk in self._chunks(tp, begin, end):
            for record in chunk:
                if record.value is None:
                    continue
                if (whose := owner(record.key or b"", record.value)) is not None:
                    yield record.offset, whose

    def _assign(self, topic: str, partition: int) -> TopicPartition:
        tp = TopicPartition(topic, partition)
        if tp not in self._consumer.assignment():
            self._consumer.assign([tp])
        return tp

    async def _at(self, tp: TopicPartition, offset: int) -> dict[int, int]:
        async with contextlib.aclosing(self._chunks(tp, offset, offset + 1, 1)) as chunks:
            async for chunk in chunks:
                return {each.offset: _size(each) for each in chunk if each.offset == offset}
        return {}

    async def _chunks(
        self, tp: TopicPartition, start: int, end: int, size: int = _CHUNK_RECORDS
    ) -> AsyncGenerator[list[Any]]:
        """The records with start <= offset < end, and a few behind them."""
        self._consumer.seek(tp, start)
        moved, position = time.monotonic(), start
        while position < end:
            began = time.monotonic()
            found = await self._consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=size)
            # By the position, for compaction may have left nothing at the end.
            before, position = position, await self._consumer.position(tp)
            if position > before:
                moved = time.monotonic()
            elif time.monotonic() - moved > _STALL_SECONDS:
                raise Unavailable(f"{tp.topic}-{tp.partition} cannot be read")
            if records := found.get(tp, []):
                yield records
                if size > 1:
                    await asyncio.sleep(time.monotonic() - began)


def _size(record: Any) -> int:
    return len(record.key or b"") + len(record.value or b"")
