# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Folding the log again, beside whoever else reads it: nothing is written to Kafka, and no group is joined."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec
from aiokafka import TopicPartition

from projections.auditing.replaying import replayed_emails, replayed_profiles
from projections.auditing.scope import Scope
from projections.email_index import EmailState
from projections.partition import NOTHING, Origin, check_end, fold_to_the_bad_one
from projections.profiles import ProfileState
from schemas.events import (
    ProfileForgotten,
    UndecodableRecord,
    decode_profile_event,
    decode_record,
)
from schemas.identity import Identity
from streams.auditing.traces.whole_log import Log
from streams.log.decisions import Decisions, read_decisions
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_chunks
from streams.log.topics import LogMarker, Topics
from streams.partition.origin import origin_of

# How much is folded at a time; in between a signal gets its turn, and a part of the next fetch is taken in.
_TURN_RECORDS: Final = 200
_FETCH_BYTES: Final = 4 << 20

Advance = Callable[[int], None]


class _Timed(msgspec.Struct):
    at: int


class Source(NamedTuple):
    """A partition whose records are folded."""

    topic: str
    partition: int


class LogReader:
    """The log of a deployment, for reading; use it as a context manager."""

    def __init__(
        self, kafka: KafkaAccess, topics: Topics, marker: LogMarker, identity: Identity
    ) -> None:
        self.topics = topics
        self.identity = identity
        self._kafka = kafka
        self._marker = marker
        self._decisions = Decisions()
        self._consumer = make_reader(kafka, committed=True, max_partition_fetch_bytes=_FETCH_BYTES)

    async def __aenter__(self) -> Self:
        self._decisions = await read_decisions(self._kafka, self.topics)
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    @property
    def sources(self) -> list[Source]:
        """All partitions that are folded: those of events go before those of claims."""
        names = (self.topics.events, self.topics.emails)
        return [Source(name, n) for name in names for n in range(self.topics.partitions)]

    async def accounts(self, wanted: str | None = None) -> set[str]:
        """Every account that the log has ever named. Raises `NotFound` when the wanted one is not among them."""
        async with Log(self._kafka, self.topics) as log:
            return await log.accounts(wanted)

    async def check_unfolded(self) -> None:
        """Reads the small topics that no state is folded from. Raises aiokafka's errors, and `DamagedLog`."""
        topics = self.topics
        for topic in (topics.accounts, topics.companies, topics.progress):
            for partition in range(topics.sizes()[topic]):
                source = Source(topic, partition)
                async for _ in self.read(source, 0, await self.end(source), _nobody):
                    pass

    async def size(self, sources: Sequence[Source]) -> int:
        """How many offsets there are in the partitions."""
        partitions = [TopicPartition(*source) for source in sources]
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        return sum(ends[partition] - begins[partition] for partition in partitions)

    async def end(self, source: Source) -> int:
        """The offset behind the last record of a partition."""
        partition = TopicPartition(*source)
        return (await self._consumer.end_offsets([partition]))[partition]

    async def read(
        self, source: Source, start: int, end: int, advance: Advance
    ) -> AsyncGenerator[list[Any]]:
        """The records with start <= offset < end and some behind them, as many at a time as were fetched.

        `advance` gets how many more offsets are behind.
        """
        consumer, partition = self._consumer, TopicPartition(*source)
        consumer.assign([partition])
        begin = (await consumer.beginning_offsets([partition]))[partition]
        behind = start = max(begin, start)
        async for records in read_chunks(consumer, partition, start, end):
            yield records
            position = min(await consumer.position(partition), end)
            advance(position - behind)
            behind = position

    def origin(self, source: Source) -> Origin:
        """What a state of the partition says of its log."""
        return origin_of(self._marker, self.topics, self.identity, *source)

    def replay(self, source: Source, folder: Path) -> "Replay":
        """A replay of a partition into a folder that is not there yet."""
        origin = self.origin(source)
        if source.topic == self.topics.events:
            state = replayed_profiles(folder, origin, self.identity)
        else:
            state = replayed_emails(folder, origin)
        state.set_aside = self._decisions.offsets(*source)
        return Replay(self, source, state)


class Replay:
    """One partition, folded again from its start.

    `newest` is the log's time of the newest record with a value so far, in unix milliseconds; `cut` the offset of the
    first event that is later than was asked for.
    """

    def __init__(self, log: LogReader, source: Source, state: ProfileState | EmailState) -> None:
        self.state = state
        self.source = source
        self.records = 0
        self.newest = 0
        self.cut: int | None = None
        self._log = log
        self._events = source.topic == log.topics.events

    @property
    def applied(self) -> int:
        """The offset up to which the log is folded: the last one before the cut, where it was cut."""
        return self.state.applied if self.cut is None else self.cut - 1

    async def fold_to(
        self,
        end: int,
        advance: Advance,
        *,
        scope: Scope | None = None,
        as_of: int | None = None,
    ) -> None:
        """Fold what stands before the offset `end`, from where the last call stopped.

        `scope` leaves out what is not about it. `as_of`, in unix milliseconds, cuts the log at the first event that is
        later; claims, whose tombstones have no time of their own, count by the log's. Of what is behind the cut only
        forgets are folded: who was forgotten since is not shown (contract §12). Raises `DamagedLog` when the log
        ends before `end`, and `Unfoldable`.
        """
        check_end(*self.source, end - 1, await self._log.end(self.source))
        start = self.state.applied + 1
        async for fetched in self._log.read(self.source, start, end, advance):
            records = _before(fetched, end)
            if as_of is not None:
                records = self._until(records, as_of)
            await self._fold(records if scope is None else self._within(scope, records))
        self.state.advance(end - 1)

    async def _fold(self, records: Sequence[Any]) -> None:
        for turn in _turns(records):
            fold_to_the_bad_one(self.state, turn, self.state.apply)
            self.records += len(turn)
            times = (record.timestamp for record in turn if record.value is not None)
            self.newest = max(self.newest, *times, 0)
            await asyncio.sleep(0)

    def _until(self, records: list[Any], as_of: int) -> list[Any]:
        """The records before the cut, and the forgets behind it."""
        if self._events:
            kept = _leading(records, as_of, _event_time) if self.cut is None else 0
            chosen = [*records[:kept], *filter(_forgets, records[kept:])]
        else:
            kept = _leading(records, as_of, _log_time) if self.cut is None else 0
            chosen = records[:kept]
        if self.cut is None and kept < len(records):
            self.cut = records[kept].offset
        return chosen

    def _within(self, scope: Scope, records: Sequence[Any]) -> list[Any]:
        if self.source.topic == self._log.topics.events:
            return [each for each in records if each.value and scope.event(each.key, each.value)]
        return [each for each in records if each.value is None or scope.claim(each.key, each.value)]

    def close(self) -> None:
        self.state.close()


def _nobody(_: int) -> None:
    """Is told of no advance."""


def _before(records: list[Any], end: int) -> list[Any]:
    if not records or records[-1].offset < end:
        return records
    return [record for record in records if record.offset < end]


def _turns(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(records), _TURN_RECORDS):
        yield records[start : start + _TURN_RECORDS]


def _leading(records: list[Any], as_of: int, time: Callable[[Any], int]) -> int:
    """How many records there are before the first one that is later."""
    return next((n for n, each in enumerate(records) if time(each) > as_of), len(records))


def _forgets(record: Any) -> bool:
    if record.value is None or b"profile-forgotten" not in record.value:
        return False
    try:
        return type(decode_profile_event(record.value)) is ProfileForgotten
    except UndecodableRecord:
        return False


def _event_time(record: Any) -> int:
    """The event's own time; what has none, or cannot be decoded, is never too late."""
    if record.value is None:
        return NOTHING
    try:
        return decode_record(record.value, _Timed).at
    except UndecodableRecord:
        return NOTHING


def _log_time(record: Any) -> int:
    return record.timestamp
