"""The purge in a simulated world: the real knowledge of what waits, asking the log in memory."""

from collections.abc import Collection
from typing import Any, cast

from projections.deletions import Deletion
from schemas.events import (
    DeletionPurged,
    ProfileCleared,
    ProfileUpserted,
    decode_profile_event,
    encode,
)
from streams.erasure.open_deletions import OpenDeletions
from streams.partition.profile_partition import ProfilePartition
from tests.faults.cluster import Replica
from tests.faults.witness import Violation, Witness
from tests.support.hand_loop import complete
from tests.support.memory_log import MemoryLog


class MemoryReader:
    """As much of `streams.erasure.log_reader.LogReader` as `OpenDeletions` uses."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    async def sizes(self, topic: str, partition: int, offsets: Collection[int]) -> dict[int, int]:
        entries = self._log.partition(topic, partition).entries
        return {entry.record.offset: 1 for entry in entries if entry.record.offset in offsets}


def purge(log: MemoryLog, replica: Replica, witness: Witness, at: int) -> list[str]:
    """One round of a purge that begins anew: append `deletion-purged` for what is gone; returns the ids."""
    unused = cast("Any", None)
    work = OpenDeletions(ProfilePartition(replica.profiles, unused, unused))
    reader = cast("Any", MemoryReader(log))
    complete(work.read_new())
    complete(work.check_records(reader))
    ready = work.ready()
    witness.read_along()
    for deletion in ready:
        _check_gone(log, replica, witness, deletion)
        event = DeletionPurged(account=deletion.account, at=at, id=deletion.id, events=0)
        number = log.partition(*replica.source).end
        log.append(*replica.source, b"purged%026x" % number, encode(event))
    return [deletion.id for deletion in ready]


def _check_gone(log: MemoryLog, replica: Replica, witness: Witness, deletion: Deletion) -> None:
    """Promise 4: of what the node has read, no record about the deleted profiles is left in the log."""
    whose = witness.expected[replica.source.partition].whose
    for entry in log.partition(*replica.source).entries:
        offset, key, value = entry.record
        if value is None or offset > replica.state.applied:
            continue
        event = decode_profile_event(value)
        named = event.id if isinstance(event, ProfileUpserted | ProfileCleared) else None
        if whose.get(key) in deletion.ids or named in deletion.ids:
            raise Violation("a deletion is purged too early", deletion.id, offset)
