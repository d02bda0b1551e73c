# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""The listeners to the changes of a node, and the one consumer that reads them for all (contract §13).

1. The first listener starts the consumer, which begins a little before the end of ``profiles``: after a restart
   everybody comes back at once, and most of what they have missed is then read once for all. It ends some time after
   the last listener; while nobody listens it costs nothing.
2. What it reads goes into `recent`. A listener takes it from there; what is no longer there it reads from the topic
   by `CatchUpReader`, up to where `recent` was when it began, and again until it is there.
3. A listener that has what it needs from `recent` and then is too slow for it finds out by `TooSlow`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from schemas.stream_cursors import StreamCursor
from streams.change_streams.catch_up import CatchUpReader
from streams.change_streams.listener import Listener
from streams.change_streams.recent import Recent
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader
from streams.log.topics import Topics

log = logging.getLogger(__name__)

_POLL_MS: Final = 500
# Some 2 ms of the loop; then it is left to others for as long.
_CHUNK_RECORDS: Final = 250
_RECENT_BYTES: Final = 32 << 20
_PAST_RECORDS: Final = 500
_LINGER_SECONDS: Final = 60.0


class ChangeHub:
    """The listeners of one node; `log` names the log."""

    def __init__(self, kafka: KafkaAccess, topics: Topics, log_: str, max_listeners: int) -> None:
        self.log = log_
        self._listeners: set[Listener] = set()
        self._catch_up = CatchUpReader(kafka, topics.profiles)
        self._kafka = kafka
        self._tps = [TopicPartition(topics.profiles, n) for n in range(topics.partitions)]
        self._max = max_listeners
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._recent: Recent | None = None
        self._ended = False

    def is_listened(self) -> bool:
        """Whether anybody waits for changes now."""
        return bool(self._listeners)

    def end(self) -> None:
        """Let every listener come to its end, and take no new one: the service stops."""
        self._ended = True
        for listener in self._listeners:
            listener.end()

    async def stop(self) -> None:
        """Stop reading."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._catch_up.stop()

    @contextlib.asynccontextmanager
    async def listening(
        self, account: str, cursor: StreamCursor | None
    ) -> AsyncGenerator[Listener]:
        """Listen to an account's changes: from `cursor` on, or with None from now on.

        Raises `Unavailable` when there are too many already, or Kafka cannot be read.
        """
        if self._ended or len(self._listeners) >= self._max:
            raise Unavailable("too many streams are open here, try again later", retry_after=10)
        listener = Listener(account, cursor, self._catch_up.read)
        self._listeners.add(listener)
        try:
            listener.follow(await self.recent())
            yield listener
        finally:
            self._listeners.remove(listener)
            listener.leave()

    async def recent(self) -> Recent:
        """The last changes, once they are read. Raises `Unavailable`."""
        async with self._starting:
            if self._recent is None:
                try:
                    await self._start()
                except KafkaError as error:
                    log.warning("changes cannot be read: %s", type(error).__name__)
                    raise Unavailable("the log cannot be read, try again") from None
            assert self._recent is not None
            return self._recent

    async def _start(self) -> None:
        consumer = make_reader(
            self._kafka, committed=True, reset="none", fetch_max_wait_ms=_POLL_MS
        )
        try:
            await consumer.start()
            consumer.assign(self._tps)
            ends = await consumer.end_offsets(self._tps)
            begins = await consumer.beginning_offsets(self._tps)
            starts = {tp: max(begins[tp], ends[tp] - _PAST_RECORDS) for tp in self._tps}
            for tp, start in starts.items():
                consumer.seek(tp, start)
        except BaseException:
            await asyncio.gather(consumer.stop(), return_exceptions=True)
            raise
        offsets = [starts[tp] for tp in self._tps]
        self._recent = Recent(offsets, [ends[tp] for tp in self._tps], _RECENT_BYTES)
        self._task = asyncio.create_task(self._run(consumer, self._recent), name="changes")

    async def _run(self, consumer: AIOKafkaConsumer, recent: Recent) -> None:
        try:
            await self._follow(consumer, recent)
        except Exception as error:
            # Nothing of a record; who listens comes back and finds a new start.
            log.warning("reading changes failed: %s", type(error).__name__)
            for listener in list(self._listeners):
                listener.end()
        finally:
            self._recent = None
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    async def _follow(self, consumer: AIOKafkaConsumer, recent: Recent) -> None:
        """Read until nobody has listened for a while."""
        used = time.monotonic()
        while self._listeners or time.monotonic() - used < _LINGER_SECONDS:
            if self._listeners:
                used = time.monotonic()
            found: dict[Any, list[Any]] = await consumer.getmany(
                timeout_ms=_POLL_MS, max_records=_CHUNK_RECORDS
            )
            began = time.monotonic()
            for records in found.values():
                recent.add(records)
            if sum(map(len, found.values())) == _CHUNK_RECORDS:
                await asyncio.sleep(time.monotonic() - began)
