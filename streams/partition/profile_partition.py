"""A partition of ``profile-events`` that this node owns."""

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from projections.partition import Record
from projections.profiles import ProfileState
from streams.log.appender import Keyed
from streams.log.chunks import CHUNK_BYTES
from streams.partition.relay_loop import RelayLoop
from streams.partition.runtime import Effects, PartitionRuntime

log = logging.getLogger(__name__)

# More records in one request than this are a batch.
_OWN_RECORDS: Final = 256


class _OwnRecord(NamedTuple):
    """A record that this node appended itself."""

    offset: int
    key: bytes
    value: bytes | None


class ProfilePartition(PartitionRuntime):
    """Folds events into `profiles`, its state."""

    def __init__(self, profiles: ProfileState, relay: RelayLoop, effects: Effects) -> None:
        super().__init__(profiles, relay, effects)
        self.profiles = profiles

    def fold(self, records: Sequence[Record]) -> None:
        """Folds events and reports their verdicts; notifies relay, search index and purge."""
        profiles, effects = self.profiles, self._effects
        claimed = effects.writes.report(profiles.partition, profiles.apply(records))
        self.relay.notify(urgent=claimed)
        if profiles.erased:
            effects.search.hide(profiles)
        effects.search.wake()
        if profiles.news_to_purge:
            effects.purge.wake()
        self.wake_waiters()

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
            self._effects.writes.settlement.folded_to(self.state)
        except Exception:
            # What the consumer fetches of it is folded again, or stops the partition.
            log.warning("folding %s-%s is left to the consumer", self.tp.topic, self.tp.partition)

    def shows(self, offset: int) -> bool:
        """Whether every read shows what stands in the log up to the offset, by email too."""
        return self.state.applied >= offset and self._effects.writes.settlement.before(
            self.tp.partition, offset
        )

    async def wait_shown(self, offset: int) -> None:
        """Waits until `shows` is true."""
        await self.wait_applied(offset)
        await self._effects.writes.settlement.wait_before(self.tp.partition, offset)
