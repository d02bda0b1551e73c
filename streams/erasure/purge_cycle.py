"""The purge cycle of a node (design "Erasure").

It sleeps until a fold leaves something to purge. Then, in rounds, until nothing is left of it:

1. Deletions and late records whose tombstones are out (the relay's progress has passed them) are taken up.
2. Heartbeats, records of a new key without a value, go to each partition that holds something of them: a segment is
   rolled by an append only, and only a rolled one is compacted. Rolling and compacting is the broker's own doing.
3. The broker is asked for the erased records by their offsets, late records included.
4. When those are gone, ``profiles`` and ``profile-emails`` are read from end to end, aborted records too: none may
   have a value of the deleted profiles. What is found is asked for by its offset from then on.
5. RocksDB is flushed and compacted, in a thread; then its rows and its files are checked.
6. The search index is built anew in another folder, unless that was done since the forget; the old folder is removed.
7. When the broker has deleted what it replaced, `deletion-purged` is appended for each deletion that passed.

Each step may be done again, and nothing of the cycle is stored but that event: after a restart it begins anew. What
becomes ready together shares one pass.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import KafkaError
from faust.types import TP

from projections import keyspace
from projections.deletions import Deletion, Unpurged, claims_left, count_waiting, rows_left
from schemas.errors import DamagedLog, Unavailable
from schemas.events import DeletionPurged, encode
from schemas.identity import event_key, event_keys
from streams.clock import now
from streams.erasure.log_reader import LogReader
from streams.erasure.open_deletions import OpenDeletions
from streams.erasure.overdue import Overdue
from streams.erasure.sweep import Position, Sweep
from streams.erasure.topic_watch import TopicWatch
from streams.log.appender import Appender
from streams.log.damage import damage_in_words
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from streams.partition.email_partition import EmailPartition
from streams.partition.profile_partition import ProfilePartition
from streams.partition.runtime import PartitionRuntime

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 2.0
_CHECK_SECONDS: Final = 10.0
_SHORTEST_BEAT_SECONDS: Final = 0.5
_BEATS_PER_LAG: Final = 10
_FOLD_SECONDS: Final = 30.0
_EVENTS_AT_ONCE: Final = 200
_POLL_SECONDS: Final = 0.05
_UNREACHABLE: Final = "Kafka does not answer"
_STATE: Final = "the log is clean, but the state folder still has rows or files from before"

Passed = list[tuple[OpenDeletions, list[Deletion]]]
EraseFromSearch = Callable[[Mapping[int, int]], Awaitable[None]]
"""Given offsets of forgets by partition: returns when the search index has no byte of who was forgotten up to there."""


EraseClaims = Callable[[int, Sequence[bytes]], Awaitable[bool]]
"""`Purge.erase_claims`, of whatever node owns the partition. Raises `Unavailable`."""


class Purge:
    """Purges the partitions of `runtimes`; `purge_within` is in seconds."""

    def __init__(
        self,
        kafka: KafkaAccess,
        topics: Topics,
        appender: Appender,
        runtimes: Mapping[TP, PartitionRuntime],
        purge_within: float,
        erase_from_search: EraseFromSearch,
        erase_claims: EraseClaims,
    ) -> None:
        self._kafka = kafka
        self._topics = topics
        self._appender = appender
        self._runtimes = runtimes
        self._watch = TopicWatch(kafka, topics.purged, purge_within)
        self._erase_from_search = erase_from_search
        self._erase_claims = erase_claims
        self._wake = asyncio.Event()
        self._work: dict[TP, OpenDeletions] = {}
        self._left: dict[str, list[Position]] = {}
        self._beaten = self._checked = 0.0
        self._trouble = ""
        self.overdue = Overdue(purge_within)

    def wake(self) -> None:
        """A fold has left something to purge, or a partition has caught up."""
        self._wake.set()

    def unpurged(self) -> Unpurged | None:
        """The deletions of this node that wait to be purged; None when there is none."""
        found = [
            each
            for runtime in self._runtimes.values()
            if isinstance(runtime, ProfilePartition)
            and (each := count_waiting(runtime.profiles.storage)) is not None
        ]
        if not found:
            return None
        numbers, firsts, lasts = zip(*found, strict=True)
        return Unpurged(sum(numbers), min(firsts), max(lasts))

    async def run(self) -> None:
        """Purges until it is cancelled; whatever fails is tried again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with damage_in_words(self._kafka):
                    await self._until_nothing_waits()
            except DamagedLog as error:
                await self._start_again(str(error))
            except (KafkaError, Unavailable, OSError):
                await self._start_again(_UNREACHABLE)
            except Exception as error:
                await self._start_again(f"the purge fails ({type(error).__name__})")

    async def _start_again(self, reason: str) -> None:
        if reason != self._trouble:
            log.warning("the purge starts again: %s", reason)
        self._trouble = reason
        self.overdue.note(self._open(), reason)
        self._checked = 0.0
        self._wake.set()
        await asyncio.sleep(_RETRY_SECONDS)

    async def _until_nothing_waits(self) -> None:
        if not await self._with_something_to_purge():
            return
        async with LogReader(self._kafka) as reader:
            while work := await self._with_something_to_purge():
                await self._check_settings()
                await self._beat(work)
                for one in work:
                    await one.check_records(reader)
                await self._prove(reader, [(one, one.ready()) for one in work])
                self._trouble = ""
                await asyncio.sleep(min(self._beat_seconds, _CHECK_SECONDS))
        self.overdue.note([], "")

    # ------------------------------------------------------------------ steps 1 to 3

    async def _with_something_to_purge(self) -> list[OpenDeletions]:
        """The partitions with something to purge, among those that are here and caught up."""
        for tp, work in list(self._work.items()):
            if self._runtimes.get(tp) is not work.runtime:
                del self._work[tp]
        for tp, runtime in list(self._runtimes.items()):
            if isinstance(runtime, ProfilePartition) and runtime.ready:
                if tp not in self._work:
                    self._work[tp] = OpenDeletions(runtime)
                await self._work[tp].read_new()
        return [work for work in self._work.values() if work]

    def _open(self) -> list[Deletion]:
        return [one for work in self._work.values() for one in work.deletions.values()]

    @property
    def _beat_seconds(self) -> float:
        return max(self._watch.lag / _BEATS_PER_LAG, _SHORTEST_BEAT_SECONDS)

    async def _check_settings(self) -> None:
        """Reads how fast the topics' settings let the broker be; once something is overdue, what is wrong with them."""
        if time.monotonic() - self._checked < _CHECK_SECONDS:
            return
        if overdue := self.overdue.among(self._open()):
            reason = await self._watch.reason(self._topics.partitions)
            gone = {id_ for work in self._work.values() for id_ in work.gone} - self._left.keys()
            self.overdue.note(self._open(), _STATE if gone.issuperset(overdue) else reason)
        else:
            await self._watch.refresh()
        self._checked = time.monotonic()

    async def _beat(self, work: Sequence[OpenDeletions]) -> None:
        """Step 2."""
        if time.monotonic() - self._beaten < self._beat_seconds:
            return
        partitions: set[tuple[str, int]] = set()
        for one in work:
            if one.is_out:
                partitions |= {(self._topics.events, one.partition)}
            for deletion in one.deletions.values():
                partitions |= {(self._topics.profiles, one.partition)}
                partitions |= {(self._topics.emails, number) for number, _ in deletion.claims}
        partitions |= {found[:2] for positions in self._left.values() for found in positions}
        for topic, partition in partitions:
            await self._appender.append(topic, partition, event_key(), None)
        self._beaten = time.monotonic()

    # ------------------------------------------------------------------ steps 4 to 7

    async def _prove(self, reader: LogReader, ready: Passed) -> None:
        passed = await self._without_traces(reader, _not_empty(ready))
        if not passed:
            return
        swept = time.monotonic()
        count = sum(len(deletions) for _, deletions in passed)
        log.info("purge of %s: gone from the log", _deletions(count))
        passed = _not_empty([(one, await self._compact(one, ready)) for one, ready in passed])
        if not passed or not await self._compact_emails(passed):
            return
        log.info("purge of %s: gone from the state", _deletions(count))
        await self._erase_from_search(_last_forgets(passed))
        log.info("purge of %s: gone from the search index", _deletions(count))
        await asyncio.sleep(swept + 2 * self._watch.deleted_after - time.monotonic())
        for one, deletions in passed:
            await self._append_purged(one, deletions)

    async def _without_traces(self, reader: LogReader, ready: Passed) -> Passed:
        """Step 4: the deletions of which nothing is found."""
        await self._check_left(reader)
        ready = _not_empty(
            [(one, [d for d in there if d.id not in self._left]) for one, there in ready]
        )
        if not ready:
            return []
        sweep = Sweep(self._topics, [(one.partition, deletions) for one, deletions in ready])
        self._left |= await sweep.run(reader)
        return _not_empty(
            [(one, [d for d in there if d.id not in self._left]) for one, there in ready]
        )

    async def _check_left(self, reader: LogReader) -> None:
        """Reads again the positions where a sweep found something; keeps those that still have it."""
        offsets: dict[tuple[str, int], set[int]] = {}
        for positions in self._left.values():
            for topic, partition, offset in positions:
                offsets.setdefault((topic, partition), set()).add(offset)
        there = {
            (*where, offset)
            for where, wanted in offsets.items()
            for offset in await reader.sizes(*where, wanted)
        }
        self._left = {
            id_: still
            for id_, positions in self._left.items()
            if (still := [position for position in positions if position in there])
        }

    async def _compact(self, work: OpenDeletions, deletions: Sequence[Deletion]) -> list[Deletion]:
        """Step 5: the deletions of which the partition's folder has nothing any more."""
        storage = work.state.storage

        def compact() -> list[Deletion]:
            if not storage.purge(keyspace.PERSONAL):
                return []
            return [deletion for deletion in deletions if not rows_left(storage, deletion)]

        return await _in_thread(work.runtime, compact)

    async def _compact_emails(self, passed: Passed) -> bool:
        """Step 5 for the email index, other nodes' partitions included: whether nothing is left of the claims."""
        claims: dict[int, list[bytes]] = {
            runtime.tp.partition: []
            for runtime in self._runtimes.values()
            if isinstance(runtime, EmailPartition)
        }
        for _, deletions in passed:
            for deletion in deletions:
                for partition, claim in deletion.claims:
                    claims.setdefault(partition, []).append(claim)
        for partition, withdrawn in claims.items():
            if not await self._erase_claims(partition, withdrawn):
                return False
        return True

    async def erase_claims(self, partition: int, claims: Sequence[bytes]) -> bool:
        """Compacts a partition of the email index, of this node; whether nothing is left of the claims in its files."""
        runtime = self._runtimes.get(TP(self._topics.emails, partition))
        if not isinstance(runtime, EmailPartition):
            raise Unavailable("the partition has left this node")
        storage = runtime.emails.storage
        if not await _in_thread(runtime, lambda: storage.purge(keyspace.EMAIL_INDEX)):
            return False
        return not claims_left(storage, claims)

    async def _append_purged(self, work: OpenDeletions, deletions: Sequence[Deletion]) -> None:
        """Step 7."""
        waiting = work.state.storage.get_many([deletion.key for deletion in deletions])
        open_ = [one for one, row in zip(deletions, waiting, strict=True) if row is not None]
        at = now()
        for start in range(0, len(open_), _EVENTS_AT_ONCE):
            part = open_[start : start + _EVENTS_AT_ONCE]
            values = [encode(_purged(work, deletion, at)) for deletion in part]
            records = list(zip(event_keys(len(values)), values, strict=True))
            for ack in await self._appender.append_many(work.topic, work.partition, records):
                await self._appender.wait(ack)
        async with asyncio.timeout(_FOLD_SECONDS):
            while open_ and work.state.storage.get(open_[-1].key) is not None:  # noqa: ASYNC110 - the fold sets no Event
                await asyncio.sleep(_POLL_SECONDS)
        work.drop(deletion.id for deletion in deletions)
        log.info("purge of %s: done", _deletions(len(open_)))


def _purged(work: OpenDeletions, deletion: Deletion, at: int) -> DeletionPurged:
    tombstoned = work.state.tombstoned(deletion.id)
    events = deletion.events if tombstoned is None else tombstoned.events
    size = work.sizes.get(deletion.id)
    return DeletionPurged(
        account=deletion.account, at=at, id=deletion.id, events=events, bytes=size
    )


def _not_empty(passed: Passed) -> Passed:
    return [(work, deletions) for work, deletions in passed if deletions]


def _last_forgets(passed: Passed) -> dict[int, int]:
    return {work.partition: max(one.offset for one in there) for work, there in passed}


def _deletions(count: int) -> str:
    return f"{count} deletion{'s' * (count != 1)}"


async def _in_thread(runtime: PartitionRuntime, work: Callable[[], Any]) -> Any:
    """The result of what is done in a thread; the state stays open until it has ended."""
    async with runtime.compacting:
        running = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            raise
