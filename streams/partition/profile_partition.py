"""A partition of ``profile-events`` that this node owns."""

from collections.abc import Sequence

from projections.partition import Record
from projections.profiles import ProfileState
from streams.partition.relay_loop import RelayLoop
from streams.partition.runtime import Effects, PartitionRuntime


class ProfilePartition(PartitionRuntime):
    """Folds events into `profiles`, its state."""

    def __init__(self, profiles: ProfileState, relay: RelayLoop, effects: Effects) -> None:
        super().__init__(profiles, relay, effects)
        self.profiles = profiles

    def fold_slice(self, records: Sequence[Record]) -> None:
        """Folds events and reports their verdicts; notifies relay, search index and purge."""
        profiles, effects = self.profiles, self._effects
        claimed = effects.writes.report(profiles.partition, profiles.apply(records))
        self.relay.notify(profiles.applied, claims=claimed)
        if profiles.erased:
            effects.search.hide(profiles)
        effects.search.wake()
        if profiles.news_to_purge:
            effects.purge.wake()

    def shows(self, offset: int) -> bool:
        """Whether every read shows what stands in the log up to the offset, by email too."""
        return self.state.applied >= offset and self._effects.writes.settlement.before(
            self.tp.partition, offset
        )

    async def wait_shown(self, offset: int) -> None:
        """Waits until `shows` is true."""
        await self.wait_applied(offset)
        await self._effects.writes.settlement.wait_before(self.tp.partition, offset)
