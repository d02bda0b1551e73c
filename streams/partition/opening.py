"""Opening a partition: the state in its folder, and the relay of its outputs."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from faust.types import TP

from projections.email_index import EMAIL_LAYOUT, EmailState
from projections.partition import NOTHING, Origin, PartitionState, applied_by
from projections.profiles import ProfileState
from schemas.errors import DamagedState
from schemas.identity import Identity
from streams.log.appender import Appender
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import log_bounds
from streams.log.topics import LogMarker, Topics
from streams.log.transactions import TransactionalPublisher
from streams.partition.claim_sender import ClaimSender
from streams.partition.email_partition import EmailPartition
from streams.partition.email_relay import EmailRelay
from streams.partition.leases import Lease, Leases
from streams.partition.origin import origin_of
from streams.partition.profile_partition import ProfilePartition
from streams.partition.progress import ProgressReader
from streams.partition.relay import Relay
from streams.partition.relay_loop import (
    DOCUMENTS_LINGER_SECONDS,
    TOMBSTONES_LINGER_SECONDS,
    RelayLoop,
)
from streams.partition.runtime import Effects, PartitionRuntime
from streams.partition.state_folder import LogExtent, remove_damaged, usable_state

_ANY_LAYOUT: Final = 0  # a state of profiles from a former version is refused, not begun anew


@dataclass(frozen=True)
class PartitionOpener:
    """Opens partitions of one log, `marker`, whose states lie in `folder`.

    `on_new_state` is called before anything is folded into a new state of ``profile-events``. `is_watched` says whether
    consumers wait for what the partitions publish. `leases` are the leases of this node.
    """

    app_id: str
    kafka: KafkaAccess
    topics: Topics
    marker: LogMarker
    identity: Identity
    folder: Path
    appender: Appender
    effects: Effects
    on_new_state: Callable[[], None]
    is_watched: Callable[[], bool]
    leases: Leases
    repairs: list[str] = field(default_factory=list[str])
    """Of each folder that was damaged and is folded again, what an operator should know."""

    async def open(self, tp: TP, extent: LogExtent) -> PartitionRuntime:
        """Opens the state, in place of a damaged one a new one; nothing runs yet.

        Raises `ForeignState` when it was folded from another log, `DamagedLog` when it has to be folded again and the
        log cannot give it back, and `OperatorError` when the folder cannot be used.
        """
        try:
            return self._open(tp, extent)
        except DamagedState as damage:
            published = await ProgressReader(self.kafka, self.topics, *tp).read()
            async with log_bounds(self.kafka) as bounds:
                extent = extent._replace(end=await bounds.end(*tp))
            self.repairs.append(remove_damaged(damage, tp, extent, published))
            return self._open(tp, extent)

    def _open(self, tp: TP, extent: LogExtent) -> PartitionRuntime:
        is_profiles = tp.topic == self.topics.events
        layout = _ANY_LAYOUT if is_profiles else EMAIL_LAYOUT
        storage = usable_state(self._folder(tp), tp, extent, layout, self._reporter())
        try:
            if is_profiles:
                if applied_by(storage) == NOTHING:
                    self.on_new_state()
                profiles = ProfileState(storage, self._origin(tp), self.identity)
                return ProfilePartition(profiles, self._relay_of_profiles(profiles), self.effects)
            emails = EmailState(storage, self._origin(tp))
            return EmailPartition(emails, self._relay_of_emails(emails), self.effects)
        except BaseException:
            storage.close()
            raise

    async def remove(self, tp: TP) -> bool:
        """Removes the state of a partition that is not open; whether there was one."""
        folder = self._folder(tp)
        if not folder.exists():
            return False
        await asyncio.to_thread(shutil.rmtree, folder)
        return True

    def _folder(self, tp: TP) -> Path:
        return self.folder / f"{tp.topic}-{tp.partition}"

    def _reporter(self) -> Callable[[DamagedState], None]:
        """Reports a damage from any thread: a purge works in one of its own."""
        loop = asyncio.get_running_loop()

        def report(damage: DamagedState) -> None:
            loop.call_soon_threadsafe(self.effects.failure.report, damage)

        return report

    def _origin(self, tp: TP) -> Origin:
        return origin_of(self.marker, self.topics, self.identity, tp.topic, tp.partition)

    def _relay_of_profiles(self, state: ProfileState) -> RelayLoop:
        publisher, appender = self._publisher(state), self.appender
        on_claims = self.effects.writes.settlement.claims_sent
        claims = ClaimSender(state, self.topics.emails, appender.append_in_order, on_claims)
        relay = Relay(
            state,
            state.topic,
            self.topics,
            self.identity,
            publisher,
            appender.append,
            claims,
        )
        return self._loop(state, relay, publisher, self.is_watched, DOCUMENTS_LINGER_SECONDS)

    def _relay_of_emails(self, state: EmailState) -> RelayLoop:
        publisher, appender = self._publisher(state), self.appender
        relay = EmailRelay(
            state,
            self.topics,
            self.identity,
            publisher,
            appender.append,
            appender.append_in_order,
            self.effects.writes.settlement.release_sent,
        )
        return self._loop(state, relay, publisher, _never, TOMBSTONES_LINGER_SECONDS)

    def _publisher(self, state: PartitionState) -> TransactionalPublisher:
        return TransactionalPublisher(self.kafka, f"{self.app_id}-{state.topic}-{state.partition}")

    def _loop(
        self,
        state: PartitionState,
        relay: Relay,
        publisher: TransactionalPublisher,
        is_watched: Callable[[], bool],
        linger: float,
    ) -> RelayLoop:
        progress = ProgressReader(self.kafka, self.topics, state.topic, state.partition)
        name = f"{state.topic}-{state.partition}"
        lease = Lease(self.leases)
        return RelayLoop(name, relay, publisher, progress, is_watched, linger, lease)


def _never() -> bool:
    return False
