# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false
# aiokafka and Faust are annotated in part.
"""Faust, delivering chunks: one event per (partition, fetched chunk) instead of one per record.

Everything of Faust stays as it is but the hand-over from the consumer to the conductor, and where it resumes: not
from the group's offsets, which mean nothing here, but from what the local state has applied. Stock delivery costs
350 us and more per record, this one a few microseconds.

The consumer runs on the app's own loop instead of a thread of its own, which saves a hand-over of the interpreter's
lock at every hop. It reads committed records only; where no transaction writes that changes nothing.

Private names of Faust and aiokafka are used, so their versions are pinned and `check_private_names` is called before
the app is made.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from faust.tables.manager import TableManager
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.utils.futures import maybe_async

from projections.partition import Record
from schemas.errors import OperatorError
from streams.log.chunks import CHUNK_RECORDS, Chunk, chunks
from streams.log.reading import keep_as_fetched

_IDLE_SECONDS: Final = 0.2
# A node folds its own appends without fetching them, so a fetch may wait for company: each costs the loop about a
# millisecond, whatever its size.
_FETCH_MIN_BYTES: Final = 64 << 10
_FETCH_WAIT_MS: Final = 20

Positions = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]


class ChunkSchema(faust.Schema[Any, Any]):
    """No decoding: the value of the Faust event is the `Chunk` itself."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return app.create_event(None, message.value, None, message)

        return decode


class LoopConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer "thread" without the thread."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        loop = asyncio.get_running_loop()
        options["loop"] = loop
        super().__init__(consumer, thread_loop=loop, **options)

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_min_bytes = _FETCH_MIN_BYTES
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        keep_as_fetched(consumer)
        return await super()._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=max_records
        )

    async def start(self) -> None:
        self._thread_started.set()
        await self._default_start()

    async def stop(self) -> None:
        if self._started.is_set() and not self._stopped.is_set():
            self._stopped.set()
            if self._consumer is not None:
                await self._consumer.stop()
            await self._default_stop_children()
            self._shutdown.set()
            await self._default_stop_futures()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def cast_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        await maybe_async(fun(*args, **kwargs))


class ChunkConsumer(driver.Consumer):
    """Delivers chunks and resumes where the local state says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Per partition the offset up to which it was handed over; the fold has applied it, or will.
        self._handed_over: dict[TP, int] = {}
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> Any:
        return LoopConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        app = cast("ChunkApp", self.app)
        positions = await app.positions(self.assignment())
        await self.seek_wait(positions)
        self._handed_over.update({tp: position - 1 for tp, position in positions.items()})
        return positions

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing is committed to the group, so there is no commit to miss."""

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                records, active = await self._wait_next_records(_IDLE_SECONDS)
                if records is None or self.should_stop:
                    return
                if not self.flow_active:
                    await self._seek_back()
                elif records:
                    await self._deliver(records, active)
                else:
                    await self._deliver_positions(active)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.transport.app.should_stop:
                raise

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:
            self.log.warning("seek while the flow is stopped: %r", error)

    async def _deliver(self, records: Mapping[Any, list[Any]], active: Any) -> None:
        generation = self.app.consumer_generation_id
        applied = cast("ChunkApp", self.app).applied
        for partition, found in records.items():
            tp = ensure_TP(partition)
            if not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            for chunk in chunks(found):
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                last = chunk[-1].offset
                if last <= applied(tp):
                    # This node's own appends, folded at their acknowledgement: an event of Faust's less.
                    self._handed_over[tp] = max(last, self._handed_over[tp])
                    continue
                is_full = len(chunk) == CHUNK_RECORDS or last != found[-1].offset
                new = chunk
                if chunk[0].offset <= self._handed_over[tp]:
                    new = [record for record in chunk if record.offset > self._handed_over[tp]]
                if new:
                    await self._hand_over(tp, new, last, generation, is_full=is_full)

    async def _deliver_positions(self, active: Any) -> None:
        """Nothing more to fetch: tell how far each partition is read, tails without records included."""
        generation = self.app.consumer_generation_id
        for tp in list(active or ()):
            position = self._fetched_to(tp)
            if position is not None and position - 1 > self._handed_over[tp]:
                await self._hand_over(tp, (), position - 1, generation)

    def _fetched_to(self, tp: TP) -> int | None:
        subscription: Any = self._thread._ensure_consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(driver.ensure_aiokafka_TP(tp))
        return state.position if state.has_valid_position else None

    async def _hand_over(
        self,
        tp: TP,
        records: Sequence[Record],
        last: int,
        generation: int,
        *,
        is_full: bool = False,
    ) -> None:
        value: Any = Chunk(tp, records, self._handed_over[tp], last, is_full=is_full)
        message = ConsumerMessage(
            tp.topic, tp.partition, last, 0.0, 0, [], None, value, None, 0, 0, tp,
            generation_id=generation,
        )  # fmt: skip
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        if self.flow_active and self.app.consumer_generation_id == generation:
            self._handed_over[tp] = last  # else a seek follows, which says anew


class ChunkTransport(driver.Transport):
    Consumer = ChunkConsumer


class NoTables(TableManager):
    """The event topics are the changelog, so there are no Faust tables, and nothing to wait for."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class ChunkApp(faust.App):
    """A Faust app whose topics deliver chunks.

    `positions` says where to resume; awaited at every assignment. `applied` is the offset up to which the state of a
    partition is folded, -1 when it is not here: what lies below is not delivered.
    """

    def __init__(
        self, id_: str, *, positions: Positions, applied: Callable[[TP], int], **options: Any
    ) -> None:
        check_private_names()
        self.positions = positions
        self.applied = applied
        super().__init__(
            id_,
            TableManager=NoTables,
            table_standby_replicas=1,  # keeps Faust's own assignor, which keeps topics with equal partitions together
            topic_disable_leader=True,
            web_enabled=False,
            stream_wait_empty=False,
            **options,
        )

    def _new_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_consumer, self)

    def chunks(self, name: str, partitions: int) -> Any:
        """A topic that delivers chunks and is never committed to the group."""
        schema = ChunkSchema(
            key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        return self.topic(name, partitions=partitions, schema=schema, acks=False, maxsize=8)


def check_private_names() -> None:
    """Raises `OperatorError` when the installed Faust or aiokafka is not the one this was written for."""
    wanted: list[tuple[type, str]] = [
        (driver.Consumer, "_drain_messages"),
        (driver.Consumer, "_wait_next_records"),
        (driver.Consumer, "seek_to_committed"),
        (TableManager, "_update_channels"),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
        (driver.AIOKafkaConsumerThread, "_fetch_records"),
        (PartitionRecords, "_consumer_record"),
        (Fetcher, "fetched_records"),
    ]
    missing = [f"{owner.__name__}.{name}" for owner, name in wanted if not hasattr(owner, name)]
    if missing:
        raise OperatorError(
            f"faust-streaming or aiokafka lacks {', '.join(missing)}: install the versions of requirements.lock"
        )
