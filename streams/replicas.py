# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""Topics that every node holds whole: a plain consumer without a group, over the one partition."""

import asyncio
import heapq
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.events import UndecodableRecord
from streams.kafka_access import KafkaAccess

log = logging.getLogger(__name__)

_POLL_MS: Final = 500

Apply = Callable[[bytes, bytes | None, int], None]


class Replica:
    """Reads a topic of one partition from its start and goes on; `apply` folds key, value and offset."""

    def __init__(self, kafka: KafkaAccess, topic: str, apply: Apply) -> None:
        self._place = TopicPartition(topic, 0)
        self._apply = apply
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None
        self._read = 0
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when all that was there is applied."""
        self._consumer = consumer = AIOKafkaConsumer(
            **self._kafka.client_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_POLL_MS,
        )
        await consumer.start()
        # Asked before the first fetch, which would hold up the question for as long as Kafka may let it wait.
        end = (await consumer.end_offsets([self._place]))[self._place]
        consumer.assign([self._place])
        self._task = asyncio.create_task(
            self._run(consumer), name=f"replica of {self._place.topic}"
        )
        await self.applied(end - 1)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            # Where Kafka is gone, aiokafka lets a cancellation of its own out.
            await asyncio.gather(self._consumer.stop(), return_exceptions=True)

    async def applied(self, offset: int) -> None:
        """Wait until the record at `offset` is applied."""
        if offset < self._read:
            return
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (offset, id(waiter), waiter))
        await waiter

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            found = await consumer.getmany(self._place, timeout_ms=_POLL_MS)
            for record in found.get(self._place, []):
                try:
                    self._apply(record.key or b"", record.value, record.offset)
                except (UndecodableRecord, UnicodeDecodeError):
                    # No traceback: it could show what cannot be decoded.
                    log.error("%s@%s cannot be decoded", self._place.topic, record.offset)
            self._read = await consumer.position(self._place)
            while self._waiters and self._waiters[0][0] < self._read:
                waiter = heapq.heappop(self._waiters)[2]
                if not waiter.done():
                    waiter.set_result(None)
