# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""Topics that every node holds whole: a plain consumer without a group, over the one partition.

A record that cannot be folded stops the replica, until an operator has decided to pass it over (contract §15). One
that is damaged in Kafka ends it: the start of the service fails, or `/ready` says so.
"""

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import DamagedLog, StoppedAt, Unfoldable
from schemas.events import UndecodableRecord
from streams.log.damage import damage_in_words
from streams.log.decisions import KnownDecisions
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import Standstill, make_reader

log = logging.getLogger(__name__)

_POLL_MS: Final = 500
_DECISION_SECONDS: Final = 1.0

Apply = Callable[[bytes, bytes | None, int], None]


class Replica:
    """Reads a topic of one partition from its start and goes on; `apply` folds key, value and offset.

    `decisions` are read before `start`. `stopped` says which record cannot be folded, or is damaged: what is behind it
    is not known here.
    """

    def __init__(
        self, kafka: KafkaAccess, decisions: KnownDecisions, topic: str, apply: Apply
    ) -> None:
        self.stopped: StoppedAt | None = None
        self._place = TopicPartition(topic, 0)
        self._apply = apply
        self._kafka = kafka
        self._decisions = decisions
        self._set_aside: frozenset[int] = frozenset()
        self._consumer: AIOKafkaConsumer | None = None
        self._read = 0
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when all that was there is applied, or a record has stopped the replica. Raises `DamagedLog`."""
        self._set_aside = self._decided()
        self._consumer = consumer = make_reader(
            self._kafka, reset="earliest", fetch_max_wait_ms=_POLL_MS
        )
        await consumer.start()
        # Asked before the first fetch, which would hold up the question for as long as Kafka may let it wait.
        end = (await consumer.end_offsets([self._place]))[self._place]
        consumer.assign([self._place])
        self._task = asyncio.create_task(
            self._run_to_damage(consumer, end), name=f"replica of {self._place.topic}"
        )
        with contextlib.suppress(Unfoldable):
            await self.applied(end - 1)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            # Where Kafka is gone, aiokafka lets a cancellation of its own out.
            await asyncio.gather(self._consumer.stop(), return_exceptions=True)

    @property
    def read(self) -> int:
        """The offset behind what is applied, as far as is known."""
        return self._read

    async def applied(self, offset: int) -> None:
        """Wait until the record at `offset` is applied. Raises what has stopped the replica."""
        if offset < self._read:
            return
        if self.stopped is not None:
            raise self.stopped
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (offset, id(waiter), waiter))
        await waiter

    async def _run_to_damage(self, consumer: AIOKafkaConsumer, end: int) -> None:
        try:
            async with damage_in_words(self._kafka):
                await self._run(consumer, end)
        except DamagedLog as error:
            self._stop(error)

    async def _run(self, consumer: AIOKafkaConsumer, end: int) -> None:
        standstill = Standstill(consumer, self._place)
        while True:
            if self._read < end:
                await standstill.check(self._read)
            found = await consumer.getmany(self._place, timeout_ms=_POLL_MS)
            for record in found.get(self._place, []):
                await self._fold(record.key or b"", record.value, record.offset)
                self._read = record.offset + 1
            self._read = await consumer.position(self._place)
            while self._waiters and self._waiters[0][0] < self._read:
                waiter = heapq.heappop(self._waiters)[2]
                if not waiter.done():
                    waiter.set_result(None)

    async def _fold(self, key: bytes, value: bytes | None, offset: int) -> None:
        if offset in self._set_aside:
            return
        try:
            self._apply(key, value, offset)
        except (UndecodableRecord, UnicodeDecodeError):
            # No traceback: it could show what cannot be decoded.
            log.error("%s@%s cannot be decoded", self._place.topic, offset)
        except Exception as error:
            self._stop(Unfoldable(self._place.topic, 0, offset, type(error).__name__))
            while offset not in self._set_aside:
                await asyncio.sleep(_DECISION_SECONDS)
                with contextlib.suppress(KafkaError):
                    await self._decisions.read()
                    self._set_aside = self._decided()
            self.stopped = None

    def _stop(self, error: StoppedAt) -> None:
        self.stopped = error
        log.error("%s", str(error))
        for _, _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def _decided(self) -> frozenset[int]:
        return self._decisions.offsets(self._place.topic, self._place.partition)
