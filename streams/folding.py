"""Folding what arrives of the partitions that this node owns: what Faust delivers, and what the node has just appended.

The way of a record: chunk or append -> fold -> one write -> waiters are woken, relay, search and purge are notified.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Final

from faust.types import TP

from projections.email_index import EmailState
from projections.fold.verdict import Verdict
from projections.partition import Record, fold_to_the_bad_one
from projections.profiles import ProfileState
from schemas.errors import OperatorError, Unfoldable
from streams.appender import Keyed
from streams.delivery import CHUNK_RECORDS, Chunk
from streams.owned import Owned, OwnRecord
from streams.purge import Purge
from streams.search_feed import SearchFeed
from streams.settlement import Settlement
from streams.stops import Fold, Stops

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 0.5
# How long folding stands back after each chunk while a batch is being received.
_FOLD_BACK_SECONDS: Final = 0.3
# How long after a full chunk there is taken to be more of them.
_BACKLOG_SECONDS: Final = 0.3
# More records in one request than this are a batch.
_OWN_RECORDS: Final = 256


class Folding:
    """Folds records into the states of `owned`; `fail` gets what makes it impossible to go on."""

    def __init__(
        self,
        owned: Mapping[TP, Owned],
        settlement: Settlement,
        stops: Stops,
        search: SearchFeed,
        purge: Purge,
        fail: Callable[[OperatorError], None],
    ) -> None:
        self._owned = owned
        self._settlement = settlement
        self._stops = stops
        self._search = search
        self._purge = purge
        self._fail = fail
        self._expected: dict[bytes, asyncio.Future[Verdict]] = {}
        self._receiving = 0
        self._go_on = asyncio.Event()
        self._backlog_until = 0.0

    # ------------------------------------------------------------------ waiting for a verdict

    def expect(self, key: bytes) -> "asyncio.Future[Verdict]":
        """The verdict of the event that will be appended with this key; ask before appending."""
        self._go_on.set()
        waiter = self._expected[key] = asyncio.get_running_loop().create_future()
        return waiter

    def cancel_wait(self, key: bytes) -> None:
        """Stops waiting for the verdict of the event `key`."""
        self._expected.pop(key, None)

    # ------------------------------------------------------------------ batches

    @property
    def is_busy(self) -> bool:
        """Whether a batch is received or folded: what can wait stands back."""
        return self._receiving > 0 or time.monotonic() < self._backlog_until

    @contextlib.contextmanager
    def receiving(self) -> Generator[None]:
        """While a batch is received its folding stands back."""
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1
            self._go_on.set()

    # ------------------------------------------------------------------ what arrives

    async def fold_events(self, chunk: Chunk) -> None:
        """Fold a chunk of ``profile-events``."""
        await self._apply(chunk, self._apply_events)

    async def fold_claims(self, chunk: Chunk) -> None:
        """Fold a chunk of ``profile-emails``."""
        await self._apply(chunk, self._apply_claims)

    def fold_own(self, topic: str, partition: int, first: int, records: Sequence[Keyed]) -> None:
        """Fold what this node has just appended, when it is what comes next, instead of waiting to fetch it.

        What Faust fetches of it is passed over. A batch is left to Faust altogether.
        """
        owned = self._owned.get(TP(topic, partition))
        if (
            owned is None
            or not isinstance(owned.state, ProfileState)
            or not owned.ready
            or owned.state.applied != first - 1
            or len(records) > _OWN_RECORDS
        ):
            return
        own = [OwnRecord(offset, *record) for offset, record in enumerate(records, first)]
        try:
            self._apply_events(owned, own)
            self._settlement.folded_to(owned.state)
        except Exception:
            # What the agent fetches of it is folded again, or stops the partition.
            log.warning("folding %s-%s is left to the agent", topic, partition)

    async def _apply(self, chunk: Chunk, fold: Fold) -> None:
        """Fold a chunk; tried again until it is folded, or stops its partition: one that is passed over is lost."""
        while True:
            owned = self._owned.get(chunk.tp)
            if owned is None:
                return  # lost meanwhile: its next owner folds it
            if owned.stopped is not None:
                owned.delivered = chunk.last
                return
            if chunk.after > owned.state.applied:
                self._fail(_hole(chunk, owned.state.applied))
                return
            try:
                if chunk.last > owned.state.applied:
                    fold_to_the_bad_one(owned.state, chunk.records, partial(fold, owned))
                    owned.state.advance(chunk.last)
                    self._settlement.folded_to(owned.state)
            except Unfoldable as error:
                owned.look()
                self._settlement.folded_to(owned.state)
                self._stops.stop(owned, error, chunk.last, fold)
                return
            except Exception:
                # Nothing of the chunk's content: the traceback of a fold could show a value.
                log.error(
                    "folding %s-%s up to offset %s failed, trying again",
                    chunk.tp.topic, chunk.tp.partition, chunk.last,
                )  # fmt: skip
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            owned.look()
            owned.backlog = len(chunk.records) == CHUNK_RECORDS
            if owned.backlog:
                self._backlog_until = time.monotonic() + _BACKLOG_SECONDS
            await self._let_others_run()
            return

    async def _let_others_run(self) -> None:
        """Requests go before the fold; and a batch is accepted before it is folded, unless a write waits."""
        if not self._receiving or self._expected:
            await asyncio.sleep(0)
            return
        self._go_on.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FOLD_BACK_SECONDS):
                await self._go_on.wait()

    def _apply_events(self, owned: Owned, records: Sequence[Record]) -> None:
        assert isinstance(owned.state, ProfileState)
        partition, expected, settlement = owned.state.partition, self._expected, self._settlement
        for key, verdict in owned.state.apply(records):
            if verdict.made is not None:
                settlement.made(verdict.made, partition, verdict.offset)
                owned.urgent.set()
            if verdict.lost is not None:
                settlement.released(verdict.lost)
            if expected and (waiter := expected.pop(key, None)) is not None and not waiter.done():
                waiter.set_result(verdict)
        owned.work.set()
        if owned.state.erased:
            self._search.hide(owned.state)
        self._search.wake()
        if owned.state.news_to_purge:
            self._purge.wake()
        owned.wake()

    def _apply_claims(self, owned: Owned, records: Sequence[Record]) -> None:
        assert isinstance(owned.state, EmailState)
        for claim, lost in owned.state.apply(records):
            self._settlement.folded(owned.state.partition, claim, lost)
            if lost is not None:
                owned.urgent.set()
                owned.work.set()


def _hole(chunk: Chunk, applied: int) -> OperatorError:
    return OperatorError(
        f"{chunk.tp.topic}-{chunk.tp.partition} was delivered from offset {chunk.after + 1}, but is applied up to "
        f"{applied} only: nothing was lost, start the service again"
    )
