"""From the fold to the search index of a node (design "Search index").

1. A fold writes, with its state, a row that names the profiles that it changed or erased. It hides erased profiles from
   searches at once.
2. The feed takes rows, in portions, reads the stored profiles as they are now and sends them, undecoded, to the process
   that writes the index (`index_process`).
3. That process commits. The searches of this one show what it committed.
4. The feed removes the rows. When either process ends before that, they are found again, and the same is done again.

It begins when the node's partitions are caught up. An index that is missing, damaged, of another state or of other
partitions is then built from all profiles; so too when partitions come or go. Until nothing is left of what was there
at the start, searches are refused; reads by key go on. While a process that was lost is replaced, searches show what
was committed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from faust.types import TP

from projections.partition import NOTHING
from projections.profiles import ProfileState
from projections.search.index import discard_index
from projections.search.reader import IndexReader
from projections.search.searches import Searches
from schemas.errors import Unavailable
from streams.indexing import frames
from streams.indexing.coverage import Coverage
from streams.indexing.index_link import ANSWER_SECONDS, IndexLink, IndexProcessLost
from streams.indexing.lag import IndexLag
from streams.lag import Lag
from streams.pace import Pace
from streams.partition.profile_partition import ProfilePartition
from streams.partition.runtime import PartitionRuntime
from streams.timed_wait import set_within

log = logging.getLogger(__name__)

COMMIT_SECONDS: Final = 0.5
"""Between commits: with the commit itself, a write is found within a second (contract §3)."""

_PORTION: Final = 500  # profiles that are taken at once
_AT_ONCE: Final = 100  # profiles that are read and sent in one step of the loop: 0.7 ms
_AT_ONCE_BYTES: Final = (
    1 << 20
)  # what a step may come to, by the sizes of those before it; and a frame
_COMMIT_PROFILES: Final = 10_000  # what a process that is lost has to be sent again
_STAND_BACK_SECONDS: Final = 0.3
_RETRY_SECONDS: Final = 1.0

MOST_WAITING: Final = 1_000_000
"""Profiles: where more wait to be indexed, the fold of batches waits for them."""
_PATIENT_WAITING: Final = MOST_WAITING // 2

Rows = list[tuple[ProfilePartition, list[bytes], int]]
"""Keys of "changed" rows that were taken, and how many ids they name, by their partition."""


class _Taken(NamedTuple):
    """What was sent: the rows that named it, who of them is gone, and whether nothing else had changed."""

    rows: Rows
    gone: list[str]
    is_all: bool


class SearchFeed:
    """Keeps the index under `root` in step with the partitions of `runtimes`.

    `origin` names the log and what decides who is in which partition. While `is_busy`, because a batch is received or
    folded, only a trickle is indexed, until too much waits.
    """

    def __init__(
        self,
        root: Path,
        origin: str,
        runtimes: Mapping[TP, PartitionRuntime],
        is_ready: Callable[[], bool],
        is_busy: Callable[[], bool],
        pace: Pace,
    ) -> None:
        self._root = root
        self._origin = origin
        self._runtimes = runtimes
        self._is_ready = is_ready
        self._is_busy = is_busy
        self._pace = pace
        self._wake = asyncio.Event()
        self._reader = IndexReader(root)
        self._searches = Searches(self._reader)
        self._link: IndexLink | None = None
        self._lag = IndexLag()
        self._in_step = asyncio.Event()
        self._is_fed = asyncio.Event()  # the index is in use, and a process there that writes it
        self._committed = asyncio.Event()
        self._rebuilding = asyncio.Lock()
        self._is_foreign = False
        self._coverage = Coverage(root)
        # By partition: the offset up to which no forgotten user is left in the index's files.
        self._clean: dict[int, int] = {}
        self._at_once = 1  # profiles that the next step of the loop reads

    # ------------------------------------------------------------------ for the partitions

    def wake(self) -> None:
        """A fold has changed something, or a partition has caught up."""
        self._lag.changed()
        self._wake.set()

    def hide(self, state: ProfileState) -> None:
        """Hides the profiles that folds of the state have erased from every search that begins from now on."""
        self._reader.hide(state.erased)
        state.erased.clear()

    def discard(self) -> None:
        """A partition's state is begun anew: the index may hold profiles that no fold will change again."""
        self._is_foreign = True
        discard_index(self._root)

    async def let_catch_up(self) -> None:
        """Returns when so little waits to be indexed that the fold of a batch may go on.

        A process that is replaced is not waited for.
        """
        while self._is_fed.is_set() and self._waiting() > MOST_WAITING:
            self._committed.clear()
            await set_within(self._committed, ANSWER_SECONDS)

    def _waiting(self) -> int:
        return sum(state.changed.waiting for state in self._states())

    async def close(self) -> None:
        """Refuses searches and ends the process that writes the index: the rows are still there."""
        self._in_step.clear()
        self._is_fed.clear()
        self._searches.close()
        await self._unlink()

    # ------------------------------------------------------------------ for searches, the purge and the operator

    @property
    def searches(self) -> Searches:
        """The index for searches. Raises `Unavailable` until all that was there at the start is indexed."""
        if not self._reader.is_open or not self._is_of_here():
            raise Unavailable("The search index is being built", retry_after=10)
        if not self._in_step.is_set():
            raise Unavailable("The search index is catching up, try again", retry_after=1)
        return self._searches

    @property
    def lag(self) -> Lag:
        """Profiles that changed and are not shown by searches as they are now."""
        return Lag(self._waiting(), self._lag.seconds)

    @property
    def warnings(self) -> list[str]:
        """What an operator should know of the index."""
        return self._lag.warnings

    async def erase(self, forgets: Mapping[int, int]) -> None:
        """Leaves no byte of users who were forgotten up to these offsets, by partition, in any file of the index.

        tantivy keeps a deleted profile's terms for as long as it likes, so the index is built anew in another folder;
        unless that was done since. When the process that writes it is lost meanwhile, the next one begins again.
        """
        while True:
            await self._is_fed.wait()
            async with self._rebuilding:
                if all(
                    offset <= self._clean.get(number, NOTHING) for number, offset in forgets.items()
                ):
                    return
                if self._link is not None and self._is_fed.is_set():
                    try:
                        await self._rebuild(self._link)
                    except IndexProcessLost:
                        self._is_fed.clear()

    # ------------------------------------------------------------------ feeding

    async def run(self) -> None:
        """Indexes until it is cancelled; whatever fails is tried again."""
        while True:
            try:
                await self._feed(await self._open_link())
            except IndexProcessLost as lost:
                log.warning("the process of the search index %s and is started again", lost.failure)
                self._lag.lost(lost.failure)
                if lost.is_index_lost:
                    self.discard()
            except Exception as error:
                log.error("feeding the search index failed: %s", type(error).__name__)
                self._lag.lost(f"met an error ({type(error).__name__})")
            self._is_fed.clear()
            await self._unlink()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _open_link(self) -> IndexLink:
        self._link = await IndexLink.start(self._wake.set)
        return self._link

    async def _unlink(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _feed(self, link: IndexLink) -> None:
        opened = await link.ask(frames.Open(str(self._root), self._origin))
        if opened.damage is not None:
            log.warning("the search index is damaged and will be built anew: %s", opened.damage)
        while not self._is_ready():
            await self._wait(link)
        self._coverage.read()
        if self._is_foreign or opened.generation is None or not self._is_of_here():
            await self._build(link)
        else:
            await self._searches.use(opened.generation)
        for state in self._states():
            state.changed.look_again()
        while not self._is_foreign and self._is_of_here():
            taken = await self._take(link)
            if taken.rows:
                await link.ask(frames.Commit())
                await self._searches.reload()
                self._reader.unhide(taken.gone)
                self._drop(taken.rows)
            if taken.is_all:
                self._settle()
                # A commit of one profile costs what one of hundreds does: so changes wait for others.
                await asyncio.sleep(COMMIT_SECONDS)
                await self._wait(link)
        self._in_step.clear()

    def _settle(self) -> None:
        """All is indexed that was applied when the last portion was taken."""
        self._in_step.set()
        self._is_fed.set()
        self._lag.caught_up()
        if self._wake.is_set():
            self._lag.changed()

    async def _wait(self, link: IndexLink) -> None:
        await self._wake.wait()
        self._wake.clear()
        link.check()

    async def _take(self, link: IndexLink) -> _Taken:
        """Sends what changed, as much as one commit should have."""
        taken = _Taken([], [], is_all=False)
        sent = 0
        behind = self._partitions()
        is_waited_for, began = False, time.monotonic()
        while behind and sent < _COMMIT_PROFILES:
            if is_waited_for and time.monotonic() - began > COMMIT_SECONDS:
                break
            partition = behind.pop(0)
            if not self._is_here(partition):
                continue
            keys, ids, early, named = partition.profiles.changed.take(_PORTION)
            is_waited_for |= early
            if len(ids) >= _PORTION:
                behind.append(partition)
            if keys:
                taken.rows.append((partition, keys, named))
                sent += len(ids)
                taken.gone.extend(await self._send_all(link, partition, ids))
                if self._is_busy() and self._waiting() < _PATIENT_WAITING:
                    await asyncio.sleep(_STAND_BACK_SECONDS)
        return taken._replace(is_all=not behind)

    async def _send_all(
        self,
        link: IndexLink,
        partition: ProfilePartition,
        ids: Iterable[str],
        *,
        added: bool = False,
    ) -> list[str]:
        """Sends these profiles as they are now; returns who of them is gone."""
        gone: list[str] = []
        state = partition.profiles
        tracks = state.has_tracked()
        rest = iter(ids)
        while part := list(islice(rest, self._at_once)):
            if not self._is_here(partition):
                raise Unavailable("The partition is no longer here")
            began = time.monotonic()
            rows = state.rows(part)
            gone += _send(link, state, part, rows, added=added, tracks=tracks)
            self._at_once = _as_many(rows)
            await asyncio.sleep(self._pace.rest(time.monotonic() - began))
            await link.make_room()
        return gone

    def _drop(self, taken: Rows) -> None:
        for partition, keys, named in taken:
            if self._is_here(partition):
                partition.profiles.changed.drop(keys, named)
        self._committed.set()

    # ------------------------------------------------------------------ rebuilding

    async def _build(self, link: IndexLink) -> None:
        """Build the index; it reads all, so what rows of before would say is in it."""
        self._in_step.clear()
        self._reader.close()
        async with self._rebuilding:
            log.info("the search index is built from the state")
            self._is_foreign = False
            self._coverage.begin()
            partitions = self._here()
            for state in self._states():
                state.changed.drop_all()
            await self._rebuild(link)
            self._coverage.complete(partitions)
            log.info("the search index is complete")

    async def _rebuild(self, link: IndexLink) -> None:
        applied = {state.partition: state.applied for state in self._states()}
        hidden = self._reader.hidden()
        await link.ask(frames.BeginRebuild())
        try:
            for partition in self._partitions():
                await self._send_all(link, partition, partition.profiles.ids(), added=True)
            finished = await link.ask(frames.FinishRebuild())
        except BaseException:
            link.abandon_rebuild()
            raise
        assert finished.generation is not None, "it is in use"
        await self._searches.use(finished.generation)
        self._reader.unhide(hidden)
        await link.ask(frames.RemoveOthers())
        self._clean = applied

    def _states(self) -> list[ProfileState]:
        return [partition.profiles for partition in self._partitions()]

    def _partitions(self) -> list[ProfilePartition]:
        return [each for each in self._runtimes.values() if isinstance(each, ProfilePartition)]

    def _here(self) -> set[int]:
        return {state.partition for state in self._states()}

    def _is_of_here(self) -> bool:
        return self._coverage.is_of(self._here())

    def _is_here(self, partition: ProfilePartition) -> bool:
        return self._runtimes.get(partition.tp) is partition


def _send(
    link: IndexLink,
    state: ProfileState,
    ids: list[str],
    rows: list[bytes | None],
    *,
    added: bool,
    tracks: bool,
) -> list[str]:
    """Sends the profiles, just read; returns who of them is gone.

    Reading and sending are one step: no change comes between them. `tracks` is whether there are tracked events at all,
    which saves the look-ups of most deployments.
    """
    counters = {id_: found for id_ in ids if (found := state.counter_rows(id_))} if tracks else {}
    start = size = 0
    for end, row in enumerate(rows, 1):
        size += len(row or b"")
        if size > _AT_ONCE_BYTES or end == len(rows):
            part = ids[start:end]
            counted = {id_: counters[id_] for id_ in part if id_ in counters} if counters else {}
            link.send(frames.Changes(state.partition, part, rows[start:end], counted, added))
            start, size = end, 0
    return [id_ for id_, row in zip(ids, rows, strict=True) if row is None] if None in rows else []


def _as_many(rows: list[bytes | None]) -> int:
    """How many more profiles, of the size of these, a step of the loop may read."""
    size = sum(map(len, filter(None, rows)))
    return max(1, min(_AT_ONCE, _AT_ONCE_BYTES * len(rows) // max(size, 1)))
