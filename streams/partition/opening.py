"""Opening a partition: the state in its folder, and the relay of its outputs."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faust.types import TP

from projections.email_index import EMAIL_LAYOUT, EmailState
from projections.partition import Origin, PartitionState, layout_of
from projections.profiles import ProfileState
from projections.storage import RocksStorage
from schemas.identity import Identity
from streams.clock import unix_ms
from streams.log.appender import Appender
from streams.log.kafka_access import KafkaAccess
from streams.log.topic_settings import TOMBSTONES_KEPT_SECONDS
from streams.log.topics import LogMarker, Topics
from streams.log.transactions import TransactionalPublisher
from streams.partition.claim_sender import ClaimSender
from streams.partition.email_partition import EmailPartition
from streams.partition.email_relay import EmailRelay
from streams.partition.origin import origin_of
from streams.partition.profile_partition import ProfilePartition
from streams.partition.progress import read_progress
from streams.partition.relay import Relay
from streams.partition.relay_loop import (
    DOCUMENTS_LINGER_SECONDS,
    TOMBSTONES_LINGER_SECONDS,
    RelayLoop,
)
from streams.partition.runtime import Effects, PartitionRuntime

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PartitionOpener:
    """Opens partitions of one log, `marker`, whose states lie in `folder`.

    `on_new_state` is called before a state of ``profile-events`` is begun anew. `is_watched` says whether consumers
    wait for what the partitions publish.
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

    def open(self, tp: TP) -> PartitionRuntime:
        """Opens the state; nothing runs yet. Raises `ForeignState` when it was folded from another log."""
        folder = self.folder / f"{tp.topic}-{tp.partition}"
        drop_old_state(folder)
        is_profiles = tp.topic == self.topics.events
        if is_profiles and RocksStorage.last_written(folder) is None:
            self.on_new_state()
        storage = RocksStorage(folder) if is_profiles else _in_this_layout(folder)
        try:
            if is_profiles:
                profiles = ProfileState(storage, self._origin(tp), self.identity)
                return ProfilePartition(profiles, self._relay_of_profiles(profiles), self.effects)
            emails = EmailState(storage, self._origin(tp))
            return EmailPartition(emails, self._relay_of_emails(emails), self.effects)
        except BaseException:
            storage.close()
            raise

    def _origin(self, tp: TP) -> Origin:
        return origin_of(self.marker, self.topics, self.identity, tp.topic, tp.partition)

    def _relay_of_profiles(self, state: ProfileState) -> RelayLoop:
        publisher, appender = self._publisher(state), self.appender
        claims = ClaimSender(state, self.topics.emails, appender.append_in_order)
        relay = Relay(
            state, state.topic, self.topics, self.identity, publisher, appender.append, claims
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
        progress = partial(read_progress, self.kafka, self.topics, state.topic, state.partition)
        name = f"{state.topic}-{state.partition}"
        return RelayLoop(name, relay, publisher, progress, is_watched, linger)


def _never() -> bool:
    return False


def drop_old_state(folder: Path) -> None:
    """Removes a state that may have missed a tombstone: Kafka keeps one for a while only.

    An email claim whose tombstone was never seen would stay in the index for ever.
    """
    written = RocksStorage.last_written(folder)
    if written is not None and unix_ms() / 1000 - written > TOMBSTONES_KEPT_SECONDS:
        log.info("the state of %s is too old to be carried on: it is folded again", folder.name)
        shutil.rmtree(folder)


def _in_this_layout(folder: Path) -> RocksStorage:
    """The state of the email index; one that a former version has folded is begun anew."""
    storage = RocksStorage(folder)
    layout = layout_of(storage)
    if layout is None or layout >= EMAIL_LAYOUT:
        return storage
    storage.close()
    log.info("the state of %s is a former version's: it is folded again", folder.name)
    shutil.rmtree(folder)
    return RocksStorage(folder)
