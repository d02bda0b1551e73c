"""From the fold to the search index of a node (design "Search index").

1. A fold writes, with its state, a row that names the profiles that it changed or erased. It hides erased profiles from
   searches at once.
2. The feed takes rows, in portions, reads the profiles as they are now and hands them to the index.
3. It commits, and searches show them.
4. It removes the rows. A process that ends before that finds them again, and does the same again.

It begins when all partitions are caught up. An index that is missing, damaged or of another state is then built from
all profiles. Until nothing is left of what was there at the start, searches are refused; reads by key go on.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Set
from itertools import groupby
from pathlib import Path
from typing import Final

from faust.types import TP

from projections.partition import NOTHING
from projections.profile import StoredProfile
from projections.profiles import ProfileState
from projections.search.documents import Entry
from projections.search.index import SearchIndex, discard_index
from projections.search.indexer import SLICE, SearchIndexer, in_slices
from schemas.errors import Unavailable
from schemas.events import ENCODER
from schemas.identity import Identity
from schemas.timestamps import format_timestamp
from streams.pace import Pace
from streams.partition.profile_partition import ProfilePartition
from streams.partition.runtime import PartitionRuntime

log = logging.getLogger(__name__)

COMMIT_SECONDS: Final = 0.5
"""Between commits: with the commit itself, a write is found within a second (contract §3)."""

_PORTION: Final = 100  # profiles that are written at once
_COMMIT_PROFILES: Final = 10_000  # a commit of more holds the interpreter's lock for too long
_STAND_BACK_SECONDS: Final = 0.3
_RETRY_SECONDS: Final = 2.0
_CLOSE_SECONDS: Final = 1.5

Rows = list[tuple[ProfilePartition, list[bytes]]]
"""Keys of "changed" rows that were taken, by their partition."""


class SearchFeed:
    """Keeps the index under `root` in step with the partitions of `runtimes`.

    `origin` names the log and what decides who is in which partition. While `is_busy`, because a batch is received or
    folded, only a trickle is indexed.
    """

    def __init__(
        self,
        root: Path,
        origin: str,
        identity: Identity,
        runtimes: Mapping[TP, PartitionRuntime],
        is_ready: Callable[[], bool],
        is_busy: Callable[[], bool],
        pace: Pace,
    ) -> None:
        self._root = root
        self._origin = origin
        self._identity = identity
        self._runtimes = runtimes
        self._is_ready = is_ready
        self._is_busy = is_busy
        self._pace = pace
        self._wake = asyncio.Event()
        self._indexer: SearchIndexer | None = None
        self._in_step = asyncio.Event()
        self._rebuilding = asyncio.Lock()
        self._is_foreign = False
        # By partition: the offset up to which no forgotten user is left in the index's files.
        self._clean: dict[int, int] = {}

    # ------------------------------------------------------------------ for the partitions

    def wake(self) -> None:
        """A fold has changed something, or a partition has caught up."""
        self._wake.set()

    def hide(self, state: ProfileState) -> None:
        """Hides the profiles that folds of the state have erased from every search that begins from now on."""
        if self._indexer is not None:
            for id_ in state.erased:
                self._indexer.index.delete(id_)
        state.erased.clear()

    def discard(self) -> None:
        """A partition's state is begun anew: the index may hold profiles that no fold will change again."""
        self._is_foreign = True
        discard_index(self._root)

    async def close(self) -> None:
        """Close the files, or leave them behind when that takes long: the rows are still there."""
        self._in_step.clear()
        indexer, self._indexer = self._indexer, None
        if indexer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await indexer.close()

    # ------------------------------------------------------------------ for searches and the purge

    @property
    def indexer(self) -> SearchIndexer:
        """The index for searches. Raises `Unavailable` until all that was there at the start is indexed."""
        if self._indexer is None or not self._indexer.index.is_complete:
            raise Unavailable("The search index is being built", retry_after=10)
        if not self._in_step.is_set():
            raise Unavailable("The search index is catching up, try again", retry_after=1)
        return self._indexer

    async def erase(self, forgets: Mapping[int, int]) -> None:
        """Leaves no byte of users who were forgotten up to these offsets, by partition, in any file of the index.

        tantivy keeps a deleted profile's terms for as long as it likes, so the index is built anew in another folder;
        unless that was done since.
        """
        await self._in_step.wait()
        async with self._rebuilding:
            if any(offset > self._clean.get(number, NOTHING) for number, offset in forgets.items()):
                await self._rebuild(self.indexer)

    # ------------------------------------------------------------------ feeding

    async def run(self) -> None:
        """Indexes until it is cancelled; whatever fails is tried again."""
        while True:
            try:
                await self._feed()
            except Exception as error:
                self._in_step.clear()
                log.error("feeding the search index failed: %s", type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _feed(self) -> None:
        while not self._is_ready():
            await self._wait()
        indexer = await self._open()
        if self._is_foreign or not indexer.index.is_complete:
            await self._build(indexer)
        for state in self._states():
            state.changed.look_again()
        while not self._is_foreign:
            taken, is_all = await self._take(indexer)
            if taken:
                await indexer.commit()
                self._drop(taken)
            if is_all:
                # A commit of one profile costs what one of hundreds does: so changes wait for others.
                self._in_step.set()
                await asyncio.sleep(COMMIT_SECONDS)
                await self._wait()
        self._in_step.clear()

    async def _wait(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    async def _open(self) -> SearchIndexer:
        if self._indexer is None:
            index = await asyncio.to_thread(SearchIndex, self._root, self._origin)
            self._indexer = SearchIndexer(index)
        return self._indexer

    async def _take(self, indexer: SearchIndexer) -> tuple[Rows, bool]:
        """Hands the index what changed; returns the "changed" rows that named it, and whether they were all."""
        taken: Rows = []
        noted = 0
        behind = self._partitions()
        is_waited_for, began = False, time.monotonic()
        while behind and noted < _COMMIT_PROFILES:
            if is_waited_for and time.monotonic() - began > COMMIT_SECONDS:
                break
            partition = behind.pop(0)
            if not self._is_here(partition):
                continue
            keys, ids, early = partition.profiles.changed.take(_PORTION)
            is_waited_for |= early
            if len(ids) >= _PORTION:
                behind.append(partition)
            if keys:
                taken.append((partition, keys))
                noted += len(ids)
                await self._note_all(indexer, partition.profiles, ids)
                await indexer.write()
                if self._is_busy():
                    await asyncio.sleep(_STAND_BACK_SECONDS)
        return taken, not behind

    async def _note_all(self, indexer: SearchIndexer, state: ProfileState, ids: list[str]) -> None:
        for part in in_slices(ids, SLICE):
            began = time.monotonic()
            self._note(indexer, state, part)
            await self._rest(time.monotonic() - began)

    def _note(self, indexer: SearchIndexer, state: ProfileState, ids: list[str]) -> None:
        found = {profile.id: profile for profile in state.read_all(ids)}
        tracks = state.has_tracked()
        for id_ in ids:
            if (profile := found.get(id_)) is None:
                indexer.index.delete(id_)
            else:
                indexer.index.upsert(_entry(profile, state, tracks=tracks))

    def _drop(self, taken: Rows) -> None:
        for partition, keys in taken:
            if self._is_here(partition):
                partition.profiles.changed.drop(keys)

    async def _rest(self, worked: float) -> None:
        await asyncio.sleep(self._pace.rest(worked))

    # ------------------------------------------------------------------ rebuilding

    async def _build(self, indexer: SearchIndexer) -> None:
        """Build the index; it reads all, so what rows of before would say is in it."""
        self._in_step.clear()
        async with self._rebuilding:
            log.info("the search index is built from the state")
            self._is_foreign = False
            for state in self._states():
                state.changed.drop_all()
            await self._rebuild(indexer)
            log.info("the search index is complete")

    async def _rebuild(self, indexer: SearchIndexer) -> None:
        applied = {state.partition: state.applied for state in self._states()}
        # Asked once: what is tracked of somebody first from now on is a change, and indexed as one.
        tracks = {state.partition for state in self._states() if state.has_tracked()}
        await indexer.rebuild(self._ids(), lambda ids: self._read(ids, tracks), self._rest)
        self._clean = applied

    def _ids(self) -> Iterator[str]:
        for state in self._states():
            yield from state.ids()

    def _read(self, ids: list[str], tracks: Set[int]) -> list[Entry]:
        states = {state.partition: state for state in self._states()}
        entries: list[Entry] = []
        for partition, there in groupby(ids, self._identity.partition_of_id):
            if (state := states.get(partition)) is None:
                raise Unavailable("The partition is no longer here")
            found = state.read_all(list(there))
            entries += (_entry(it, state, tracks=partition in tracks) for it in found)
        return entries

    def _states(self) -> list[ProfileState]:
        return [partition.profiles for partition in self._partitions()]

    def _partitions(self) -> list[ProfilePartition]:
        return [each for each in self._runtimes.values() if isinstance(each, ProfilePartition)]

    def _is_here(self, partition: ProfilePartition) -> bool:
        return self._runtimes.get(partition.tp) is partition


def _entry(profile: StoredProfile, state: ProfileState, *, tracks: bool) -> Entry:
    """`tracks` is whether there are tracked events at all, which saves the look-up of most deployments."""
    header = profile.header
    counted = {
        name: {"count": counter.count, "last_at": format_timestamp(counter.last_at)}
        for name, counter in (state.counters(header.id) if tracks else {}).items()
    }
    tracked = ENCODER.encode(counted) if counted else None
    return Entry(header.id, header.account, profile.json, state.partition, header.version, tracked)
