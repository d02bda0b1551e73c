"""A partition that this node owns: its state, the fold into it, the relay of its outputs, and who waits for either.

The way of a record: chunk or append -> fold -> one write -> waiters are woken, relay, search index and purge notified.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from faust.types import TP

from projections.partition import (
    NOTHING,
    PartitionState,
    Record,
    fold_to_the_bad_one,
    slices,
)
from projections.profiles import ProfileState
from schemas.errors import OperatorError, Unavailable, Unfoldable
from streams.failure import Failure
from streams.log.appender import Keyed
from streams.log.chunks import CHUNK_BYTES, Chunk
from streams.partition.batch_pace import BatchPace
from streams.partition.catching_up import Goal
from streams.partition.pending_writes import PendingWrites
from streams.partition.relay_loop import RelayLoop
from streams.partition.stops import Stops
from streams.timed_wait import set_within

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 0.5
# Where nothing was folded for so long while it catches up, what comes next is looked at.
_STILL_SECONDS: Final = 5.0

# More records in one request than this are a batch.
_OWN_RECORDS: Final = 256


class _OwnRecord(NamedTuple):
    """A record that this node appended itself."""

    offset: int
    key: bytes
    value: bytes | None


ReadEnd = Callable[[], Awaitable[int]]
CheckReadable = Callable[[int], Awaitable[None]]


class Wakes(Protocol):
    """Work that sleeps until a fold has left something for it."""

    def wake(self) -> None: ...


class Indexes(Wakes, Protocol):
    """What partitions need of the search index (`streams.indexing`)."""

    def hide(self, state: ProfileState) -> None: ...

    async def let_catch_up(self) -> None: ...


class Effects(NamedTuple):
    """What a node has once and each of its partitions notifies of what it has folded."""

    writes: PendingWrites
    search: Indexes
    purge: Wakes
    pace: BatchPace
    stops: Stops
    failure: Failure


class PartitionRuntime(ABC):
    """A partition of one topic; `tp` names it.

    `caught_up` is set once the fold has reached the end that the log had when the partition was acquired. While
    `stopped` names a record, that cannot be folded, later ones are only counted: `delivered` is the offset up to which
    they were delivered, and `resuming` waits for an operator's decision (`streams.partition.stops`). `compacting` is
    held while a thread works on the state's files.
    """

    def __init__(self, state: PartitionState, relay: RelayLoop, effects: Effects) -> None:
        self.tp = TP(state.topic, state.partition)
        self.state = state
        self.relay = relay
        self.caught_up = asyncio.Event()
        self.stopped: Unfoldable | None = None
        self.delivered = NOTHING
        self.resuming: asyncio.Task[None] | None = None
        self.compacting = asyncio.Lock()
        self._effects = effects
        self._goal = Goal(0, state.holes)
        self._read_end: ReadEnd | None = None
        self._check_readable: CheckReadable | None = None
        self._reading_end: asyncio.Task[None] | None = None
        self._undecoded = state.undecoded
        self._publishing: asyncio.Task[None] | None = None
        self._waiters: dict[asyncio.Future[None], int] = {}
        self._is_released = False

    # ------------------------------------------------------------------ acquired, released

    def expect_end(self, end: int) -> None:
        """The log ends before the offset `end`. Raises `DamagedLog` when the state is ahead of it."""
        self.state.check_end(end)
        self._goal = Goal(end, self.state.holes)

    def start(self, read_end: ReadEnd, check_readable: CheckReadable | None = None) -> None:
        """Begins to fold, and to publish once it has caught up; the relay has started.

        `read_end` gives where the log ends now. `check_readable`, asked when nothing comes from an offset on, raises
        `DamagedLog`.
        """
        self._read_end = read_end
        self._check_readable = check_readable
        self._effects.stops.follow_decisions(self)
        self.note_applied()
        name = f"relay of {self.tp.topic}-{self.tp.partition}"
        self._publishing = asyncio.create_task(self._publish(), name=name)

    async def close(self) -> None:
        """Stops publishing and closes the state's files, once no thread works on them."""
        self._is_released = True
        tasks = [*filter(None, (self._publishing, self.resuming, self._reading_end))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(Unavailable("the partition moves to another node, try again"))
        await self.relay.release()
        await self.relay.stop()
        async with self.compacting:
            self.state.close()
        self._effects.search.wake()

    async def _publish(self) -> None:
        try:
            await self._until_caught_up()
            await self.relay.run(self._begin)
        except OperatorError as error:
            self._effects.failure.report(error)
        except Exception as error:
            reason = type(error).__name__
            self._effects.failure.report(
                OperatorError(f"the relay of {self.tp.topic}-{self.tp.partition} failed ({reason})")
            )

    def _begin(self) -> None:
        """The partition is ready."""
        self._effects.purge.wake()
        self._effects.search.wake()

    async def _until_caught_up(self) -> None:
        applied = NOTHING
        while not await set_within(self.caught_up, _STILL_SECONDS):
            if self._check_readable and self.stopped is None and self.state.applied == applied:
                await self._check_readable(applied + 1)
            applied = self.state.applied

    # ------------------------------------------------------------------ how far it is

    @property
    def ready(self) -> bool:
        """Whether it is caught up and has not stopped, and its lease has begun."""
        return self.stopped is None and self.caught_up.is_set() and self.relay.has_begun

    async def wait_applied(self, offset: int) -> None:
        """Waits until the state is folded up to the offset. Raises `Unavailable` when the partition leaves first."""
        if self.state.applied < offset:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters[waiter] = offset
            try:
                await waiter
            finally:
                del self._waiters[waiter]

    def wake_waiters(self) -> None:
        """Ends the waits for what is applied now."""
        for waiter, offset in self._waiters.items():
            if offset <= self.state.applied and not waiter.done():
                waiter.set_result(None)

    def _end_waits(self) -> None:
        """Ends what waits for the fold, of claims and of positions."""
        self._effects.writes.settlement.folded_to(self.state)
        self.wake_waiters()

    def note_applied(self) -> None:
        """Reports how far the state is folded now, after its verdicts or claims were reported."""
        if self._is_released:
            return
        self._report_undecoded()
        self._end_waits()
        if not self.caught_up.is_set() and self._goal.is_reached(self.state):
            if not self._goal.has_moved(self.state):
                self.caught_up.set()
            elif self._reading_end is None:
                name = f"end of {self.tp.topic}-{self.tp.partition}"
                self._reading_end = asyncio.create_task(self._move_goal(), name=name)

    async def _move_goal(self) -> None:
        assert self._read_end is not None, "it has started"
        while True:
            holes = self.state.holes
            try:
                self._goal = Goal(await self._read_end(), holes)
                break
            except Exception as error:
                log.warning("the end of %s-%s cannot be read: %s", *self.tp, type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
        self._reading_end = None
        self.note_applied()

    # ------------------------------------------------------------------ folding

    @abstractmethod
    def fold_slice(self, records: Sequence[Record]) -> None:
        """Folds consecutive records, one write, and notifies whoever waits for what follows."""

    def fold(self, records: Sequence[Record]) -> None:
        """Folds consecutive records. Where a write fails, what was written before it is reported."""
        for part in slices(records):
            self.fold_slice(part)

    def fold_appended(self, first: int, records: Sequence[Keyed]) -> None:
        """Folds what this node has just appended, from the offset `first` on, instead of waiting to fetch it.

        Only when it is what comes next, and no batch. What the consumer fetches of it later is passed over.
        """
        if (
            not self.ready
            or self.state.applied != first - 1
            or len(records) > _OWN_RECORDS
            or sum(len(value or b"") for _, value in records) > CHUNK_BYTES
        ):
            return
        own = [_OwnRecord(offset, *record) for offset, record in enumerate(records, first)]
        try:
            self.fold(own)
            self._end_waits()
        except Exception:
            # What the consumer fetches of it is folded again, or stops the partition.
            log.warning("folding %s-%s is left to the consumer", self.tp.topic, self.tp.partition)

    async def fold_chunk(self, chunk: Chunk) -> None:
        """Folds a chunk; tries again until it is folded, or stops the partition: a chunk passed over would be lost."""
        while not self._is_released:  # a released partition is folded by its next owner
            if self.stopped is not None:
                self.delivered = chunk.last
                return
            if chunk.after > self.state.applied:
                self._effects.failure.report(_hole(chunk, self.state.applied))
                return
            try:
                if chunk.last > self.state.applied:
                    await self._fold_all(chunk.records)
                    if self._is_released:
                        return
                    self.state.advance(chunk.last)
            except Unfoldable as error:
                self.note_applied()
                self._effects.stops.stop(self, error, chunk.last)
                return
            except Exception:
                # Nothing of the chunk's content: the traceback of a fold could show a value.
                log.error(
                    "folding %s-%s up to offset %s failed, trying again",
                    self.tp.topic, self.tp.partition, chunk.last,
                )  # fmt: skip
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self.note_applied()
            self.relay.backlog = chunk.is_full
            if self.relay.backlog:
                self._effects.pace.full_chunk_folded()
                if self.caught_up.is_set():  # before that nothing is published
                    await self.relay.let_catch_up()
                    await self._effects.search.let_catch_up()
            await self._effects.pace.let_others_run(
                write_waits=len(self._effects.writes.verdicts) > 0
            )
            return

    async def _fold_all(self, records: Sequence[Record]) -> None:
        """Folds the records of a chunk; requests that are served meanwhile need not wait for all of them."""
        for number, part in enumerate(slices(records)):
            if number > 0 and self._effects.pace.is_live:
                self._end_waits()
                await asyncio.sleep(0)
            if self._is_released:
                return
            fold_to_the_bad_one(self.state, part, self.fold_slice)

    def _report_undecoded(self) -> None:
        """Logs how many records could not be decoded: the state has their offsets."""
        if (new := self.state.undecoded - self._undecoded) > 0:
            self._undecoded = self.state.undecoded
            log.error(
                "%s-%s: %d records up to offset %s cannot be decoded and are passed over",
                self.tp.topic, self.tp.partition, new, self.state.applied,
            )  # fmt: skip


def _hole(chunk: Chunk, applied: int) -> OperatorError:
    return OperatorError(
        f"{chunk.tp.topic}-{chunk.tp.partition} was delivered from offset {chunk.after + 1}, but is applied up to "
        f"{applied} only: nothing was lost, start the service again"
    )
