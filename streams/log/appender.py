# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""Appending to the log: an idempotent producer, one request in flight per partition, bounded in bytes.

While a request is on its way, what arrives for its partition waits and leaves together in the next one, so many
writers share requests and a single one does not wait for others.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from streams.log.kafka_access import KafkaAccess
from streams.log.topic_settings import MAX_RECORD_BYTES

REQUEST_BYTES: Final = 1 << 20
_RECORD_OVERHEAD: Final = (
    24  # varints of lengths, offset and time in Kafka's record format, at most
)

Keyed = tuple[bytes, bytes | None]
Appended = Callable[[str, int, int, Sequence[Keyed]], None]


class _Append:
    """Records that one caller appends together; `done` gets the offset of the last."""

    __slots__ = ("abandoned", "bytes", "done", "records", "sent")

    def __init__(self, records: Sequence[Keyed], done: "asyncio.Future[int]") -> None:
        self.records = records
        self.bytes = sum(len(key) + len(value or b"") for key, value in records)
        self.done = done
        self.sent = False
        self.abandoned = False

    def expire(self) -> None:
        """The caller's time is up."""
        if not self.done.done():
            self.done.set_exception(TimeoutError())


class Appender:
    """Appends records to explicit partitions.

    `timeout` (seconds) bounds how long an append may take; `max_pending` (bytes) bounds what waits for Kafka.
    `on_appended` gets topic, partition, first offset and records of each request that Kafka has acknowledged, before
    the callers do.
    """

    def __init__(
        self,
        kafka: KafkaAccess,
        *,
        timeout: float,
        max_pending: int,
        on_appended: Appended | None = None,
    ) -> None:
        self._kafka = kafka
        self._timeout = timeout
        self._max_pending = max_pending
        self._on_appended = on_appended
        self._pending = 0
        self._room = asyncio.Condition()
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(
            **self._kafka.client_options(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=MAX_RECORD_BYTES,  # lanes bound a request; one record may be larger than that bound
        )
        await self._producer.start()

    async def stop(self) -> None:
        for lane in self._lanes.values():
            lane.task.cancel()
        await asyncio.gather(*(lane.task for lane in self._lanes.values()), return_exceptions=True)
        self._lanes.clear()
        if self._producer is not None:
            await self._producer.stop()

    async def append(self, topic: str, partition: int, key: bytes, value: bytes | None) -> int:
        """Append one record; returns its offset, below 0 when Kafka does not return it.

        Raises `Unavailable` when Kafka does not take it in time; the text says whether it may still arrive.
        """
        append = self._queue(topic, partition, [(key, value)])
        return await self._settle(append)

    async def append_many(
        self, topic: str, partition: int, records: Sequence[Keyed]
    ) -> "list[asyncio.Future[int]]":
        """Queue records, in order, when there is room.

        Returns a future per request that they fill; each gets the offset of its last record. Raises `Unavailable`
        when there is no room in time.
        """
        if self._pending >= self._max_pending:
            await self._wait_for_room()
        return [
            self._queue(topic, partition, part, bounded=False).done for part in _requests(records)
        ]

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(self._timeout), self._room:
                await self._room.wait_for(lambda: self._pending < self._max_pending)
        except TimeoutError:
            raise _full() from None

    async def append_in_order(self, topic: str, partition: int, records: Sequence[Keyed]) -> int:
        """Append records that fit one request; returns the offset of the last, below 0 when Kafka does not return it.

        Raises `Unavailable`: they may be there.
        """
        last = -1
        for done in await self.append_many(topic, partition, records):
            last = await self.wait(done)
        return last

    async def wait(self, done: "asyncio.Future[int]") -> int:
        """Wait for a future of `append_many`, at most the timeout."""
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.shield(done)
        except (TimeoutError, KafkaError):
            raise Unavailable(
                "Kafka did not take the write in time: it may be there in part, send it again to complete it"
            ) from None

    def _queue(
        self, topic: str, partition: int, records: Sequence[Keyed], *, bounded: bool = True
    ) -> _Append:
        if bounded and self._pending >= self._max_pending:
            raise _full()
        append = _Append(records, asyncio.get_running_loop().create_future())
        self._pending += append.bytes
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = _Lane(self, topic, partition)
        lane.add(append)
        return append

    async def _settle(self, append: _Append) -> int:
        # Not `asyncio.timeout` nor `shield`, which cost as much as the fold: nobody else waits for this future, and
        # the lane passes over one that was cancelled.
        timer = asyncio.get_running_loop().call_later(self._timeout, append.expire)
        try:
            return await append.done
        except KafkaError:
            raise Unavailable(
                "Kafka refused the write or lost the connection: it is in doubt, send it again"
            ) from None
        except TimeoutError:
            if not append.sent:
                append.abandoned = True
                raise Unavailable(
                    "Kafka did not take the write in time: it was not written, send it again"
                ) from None
            raise Unavailable(
                "Kafka did not confirm the write in time: it is in doubt, send it again"
            ) from None
        finally:
            timer.cancel()

    def acknowledged(
        self, topic: str, partition: int, first: int, records: Sequence[Keyed]
    ) -> None:
        """Kafka has the records of a request, from the offset `first` on. For lanes."""
        if self._on_appended is not None:
            self._on_appended(topic, partition, first, records)

    async def freed(self, size: int) -> None:
        """A lane has handled `size` bytes."""
        self._pending -= size
        async with self._room:
            self._room.notify_all()

    async def produce(self, topic: str, partition: int, records: Sequence[Keyed]) -> int:
        """Send records that fit one request; returns the offset of the first. For lanes."""
        producer = self._producer
        assert producer is not None
        batch = producer.create_batch()
        for key, value in records:
            taken = batch.append(key=key, value=value, timestamp=None)
            assert taken is not None, "lanes keep a request within max_batch_size"
        batch.close()
        sent = await producer.send_batch(batch, topic, partition=partition)
        return (await sent).offset


class _Lane:
    """One partition's queue and the task that empties it."""

    def __init__(self, appender: Appender, topic: str, partition: int) -> None:
        self._appender = appender
        self._topic = topic
        self._partition = partition
        self._queue: deque[_Append] = deque()
        self._work = asyncio.Event()
        self.task = asyncio.create_task(self._run(), name=f"append to {topic}-{partition}")

    def add(self, append: _Append) -> None:
        self._queue.append(append)
        self._work.set()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            taken = self._take()
            if not taken:
                self._work.clear()
                continue
            size = sum(append.bytes for append in taken)
            try:
                await self._send(taken)
            finally:
                await self._appender.freed(size)

    def _take(self) -> list[_Append]:
        """As much as fits one request, at least one append."""
        taken: list[_Append] = []
        size = 0
        while self._queue:
            append = self._queue[0]
            cost = append.bytes + _RECORD_OVERHEAD * len(append.records)
            if taken and size + cost > REQUEST_BYTES:
                break
            self._queue.popleft()
            append.sent = not append.abandoned
            taken.append(append)
            size += cost
        return taken

    async def _send(self, taken: list[_Append]) -> None:
        live = [append for append in taken if append.sent]
        records = [record for append in live for record in append.records]
        if not records:
            return
        try:
            offset = await self._appender.produce(self._topic, self._partition, records)
        except KafkaError as error:
            for append in live:
                if not append.done.done():
                    append.done.set_exception(error)
            return
        known = offset >= 0
        if known:
            self._appender.acknowledged(self._topic, self._partition, offset, records)
        for append in live:
            offset += len(append.records)
            if not append.done.done():
                append.done.set_result(offset - 1 if known else -1)


def _requests(records: Sequence[Keyed]) -> list[Sequence[Keyed]]:
    """Cut records into runs that fit one request each; a larger record goes alone."""
    runs: list[Sequence[Keyed]] = []
    start = size = 0
    for end, (key, value) in enumerate(records):
        cost = len(key) + len(value or b"") + _RECORD_OVERHEAD
        if size and size + cost > REQUEST_BYTES:
            runs.append(records[start:end])
            start, size = end, 0
        size += cost
    if start < len(records):
        runs.append(records[start:])
    return runs


def _full() -> Unavailable:
    return Unavailable(
        "too many writes wait for Kafka: this one was not written, send it again", retry_after=2
    )
