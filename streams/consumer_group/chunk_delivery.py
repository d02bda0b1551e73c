# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""Faust, delivering chunks: one event per (partition, fetched chunk) instead of one per record.

Everything of Faust stays as it is but the hand-over from the consumer to the conductor, and where it resumes: not
from the group's offsets, which mean nothing here, but from what the local state has applied. Stock delivery costs
350 us and more per record, this one a few microseconds.

The consumer runs on the app's own loop instead of a thread of its own, which saves a hand-over of the interpreter's
lock at every hop. It reads committed records only; where no transaction writes that changes nothing.

What is not public in Faust is in `private_names.of_faust`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

import faust
from aiokafka import AIOKafkaConsumer
from faust.types import TP, ConsumerMessage

from private_names.of_faust import LoopConsumer, NoTables, Transport, ensure_TP
from projections.partition import Record
from streams.consumer_group.assignor import PlacementAssignor
from streams.consumer_group.faust_options import faust_options
from streams.consumer_group.placement import Member
from streams.log.chunks import CHUNK_RECORDS, Chunk, chunks
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_group_member

_IDLE_SECONDS: Final = 0.2
# A node folds its own appends without fetching them, so a fetch may wait for company: each costs the loop about a
# millisecond, whatever its size.
_FETCH_MIN_BYTES: Final = 64 << 10
_FETCH_WAIT_MS: Final = 20
_HURRIED_SECONDS: Final = 1.0

Positions = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]


class ChunkSchema(faust.Schema[Any, Any]):
    """No decoding: the value of the Faust event is the `Chunk` itself."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return app.create_event(None, message.value, None, message)

        return decode


class ChunkConsumer(LoopConsumer):
    """Delivers chunks and resumes where the local state says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Per partition the offset up to which it was handed over; the fold has applied it, or will.
        self._handed_over: dict[TP, int] = {}
        self._hurried: asyncio.TimerHandle | None = None
        super().__init__(*args, **kwargs)

    def make_client(self) -> AIOKafkaConsumer:
        app = cast("ChunkApp", self.app)
        conf = app.conf
        return make_group_member(
            app.kafka,
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            partition_assignment_strategy=[app.assignor],
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            max_poll_records=conf.broker_max_poll_records,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_min_bytes=_FETCH_MIN_BYTES,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )

    def hurry(self) -> None:
        """Fetches wait for nothing for a while: another node waits for what it has appended."""
        if self._hurried is None:
            self.set_fetch_min_bytes(1)
        else:
            self._hurried.cancel()
        loop = asyncio.get_running_loop()
        self._hurried = loop.call_later(_HURRIED_SECONDS, self._take_time)

    def _take_time(self) -> None:
        self._hurried = None
        self.set_fetch_min_bytes(_FETCH_MIN_BYTES)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        app = cast("ChunkApp", self.app)
        positions = await app.positions(self.assignment())
        await self.seek_wait(positions)
        self._handed_over.update({tp: position - 1 for tp, position in positions.items()})
        return positions

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing is committed to the group, so there is no commit to miss."""

    async def drain(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                records, active = await self.next_records(_IDLE_SECONDS)
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
            if not (active is None or tp in active or self.is_buffered(tp)):
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
        """Nothing more to fetch: report how far each partition is read, tails without records included."""
        generation = self.app.consumer_generation_id
        for tp in list(active or ()):
            position = self.fetched_to(tp)
            if position is not None and position - 1 > self._handed_over[tp]:
                await self._hand_over(tp, (), position - 1, generation)

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


class ChunkTransport(Transport):
    Consumer = ChunkConsumer


class ChunkApp(faust.App):
    """A Faust app whose topics deliver chunks.

    `positions` says where to resume; awaited at every assignment. `applied` is the offset up to which the state of a
    partition is folded, -1 when it is not here: what lies below is not delivered. `member` is what the node says of
    itself to the group.
    """

    def __init__(
        self,
        id_: str,
        *,
        kafka: KafkaAccess,
        positions: Positions,
        applied: Callable[[TP], int],
        member: Callable[[], Member],
        **options: Any,
    ) -> None:
        self.kafka = kafka
        self.positions = positions
        self.applied = applied
        self.member = member
        super().__init__(
            id_,
            TableManager=NoTables,  # the event topics are the changelog, so there are no Faust tables
            PartitionAssignor=PlacementAssignor,
            topic_disable_leader=True,
            web_enabled=False,
            stream_wait_empty=False,
            **faust_options(kafka),
            **options,
        )
        self.transport = ChunkTransport(self.conf.broker_consumer, self)

    def hurry(self) -> None:
        """What other nodes append is to be fetched at once, for a while."""
        cast("ChunkConsumer", self.consumer).hurry()

    def chunks(self, name: str, partitions: int) -> Any:
        """A topic that delivers chunks and is never committed to the group."""
        schema = ChunkSchema(
            key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        return self.topic(name, partitions=partitions, schema=schema, acks=False, maxsize=8)
