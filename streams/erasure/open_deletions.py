"""What waits to be purged in one partition, kept in memory while it is open."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice
from typing import Final

from projections import keyspace
from projections.deletions import Deletion, drop_late, read_late, read_waiting
from streams.erasure.log_reader import LogReader
from streams.partition.profile_partition import ProfilePartition

_READ_AT_ONCE: Final = 200


class OpenDeletions:
    """The open deletions of a partition by id, in the order of the log, and its late records.

    `gone` are the deletions whose records the broker does not return any more; `sizes` has the bytes of those whose
    records were all there when they were first read, None of the others.
    """

    def __init__(self, runtime: ProfilePartition) -> None:
        self.runtime = runtime
        self.state = runtime.profiles
        self.state.news_to_purge = True
        self.topic, self.partition = runtime.tp
        self.deletions: dict[str, Deletion] = {}
        self.gone: set[str] = set()
        self.sizes: dict[str, int | None] = {}
        self._late: dict[int, bytes] = {}
        self._next = keyspace.WAITING

    def __bool__(self) -> bool:
        return bool(self.deletions or self._late)

    @property
    def is_out(self) -> bool:
        """Whether the tombstones of anything that waits have left."""
        published = self.state.published
        return any(one.offset < published for one in self.deletions.values()) or any(
            offset < published for offset in self._late
        )

    async def read_new(self) -> None:
        """Reads the rows that were written since the last time."""
        if not self.state.news_to_purge:
            return
        self.state.news_to_purge = False
        self._late = read_late(self.state.storage)
        # A fold adds behind what is known; so others may run between two chunks.
        while new := list(islice(read_waiting(self.state.storage, self._next), _READ_AT_ONCE)):
            self.deletions.update((one.id, one) for one in new)
            self._next = keyspace.next_key(new[-1].key)
            await asyncio.sleep(0)

    def drop(self, ids: Iterable[str]) -> None:
        """These deletions are purged."""
        for id_ in ids:
            self.deletions.pop(id_, None)
            self.gone.discard(id_)
            self.sizes.pop(id_, None)

    async def check_records(self, log: LogReader) -> None:
        """Reads from the broker the records whose tombstones have left; notes which are gone.

        All of them the first time; then one of them first: as long as it is there, no pass of the cleaner has come.
        """
        published = self.state.published
        out = [
            one
            for one in self.deletions.values()
            if one.offset < published and one.id not in self.gone
        ]
        new = [one for one in out if one.id not in self.sizes]
        old = [one for one in out if one.id in self.sizes]
        late = [offset for offset in self._late if offset < published]
        there = await self._sizes(log, _offsets(new))
        for one in new:
            found = [there[offset] for offset in one.erased if offset in there]
            self.sizes[one.id] = sum(found) if len(found) == one.events else None
        self._note_gone(new, there)
        probe = next(chain(_offsets(old), late), None)
        if probe is None or await self._sizes(log, [probe]):
            return
        there = await self._sizes(log, [*late, *_offsets(old)])
        self._note_gone(old, there)
        if gone := [offset for offset in late if offset not in there]:
            drop_late(self.state.storage, gone)
            for offset in gone:
                del self._late[offset]

    def _note_gone(self, asked: Iterable[Deletion], there: Mapping[int, int]) -> None:
        self.gone.update(one.id for one in asked if there.keys().isdisjoint(one.erased))

    async def _sizes(self, log: LogReader, offsets: Collection[int]) -> dict[int, int]:
        return await log.sizes(self.topic, self.partition, offsets)

    def ready(self) -> list[Deletion]:
        """The deletions whose records, late ones included, are gone from the log."""
        whose = set(self._late.values())
        return [
            one
            for one in self.deletions.values()
            if one.id in self.gone and whose.isdisjoint([one.user, *map(bytes.fromhex, one.ids)])
        ]


def _offsets(deletions: Iterable[Deletion]) -> list[int]:
    return [offset for deletion in deletions for offset in deletion.erased]
