"""Opening a partition: the state in its folder, and the relay of its outputs."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faust.types import TP

from projections.email_index import EmailState
from projections.partition import Origin, PartitionState
from projections.profiles import ProfileState
from projections.storage import RocksStorage
from schemas.identity import Identity
from streams.clock import unix_ms
from streams.log.appender import Appender
from streams.log.kafka_access import KafkaAccess
from streams.log.topic_settings import TOMBSTONES_KEPT_SECONDS
from streams.log.topics import LogMarker, Topics
from streams.log.transactions import TransactionalPublisher
from streams.partition.email_partition import EmailPartition
from streams.partition.profile_partition import ProfilePartition
from streams.partition.progress import read_progress
from streams.partition.relay import Relay
from streams.partition.relay_loop import RelayLoop
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
        storage = RocksStorage(folder)
        try:
            if is_profiles:
                profiles = ProfileState(storage, self._origin(tp), self.identity)
                relay = self._relay_of(profiles, self.is_watched)
                return ProfilePartition(profiles, relay, self.effects)
            emails = EmailState(storage, self._origin(tp))
            return EmailPartition(emails, self._relay_of(emails, _never), self.effects)
        except BaseException:
            storage.close()
            raise

    def _origin(self, tp: TP) -> Origin:
        return Origin(
            self.marker.log,
            tp.topic,
            tp.partition,
            self.topics.partitions,
            self.identity.fingerprint,
        )

    def _relay_of(self, state: PartitionState, is_watched: Callable[[], bool]) -> RelayLoop:
        source = f"{state.topic}-{state.partition}"
        publisher = TransactionalPublisher(self.kafka, f"{self.app_id}-{source}")
        relay = Relay(
            state, state.topic, self.topics, self.identity, publisher, self.appender.append
        )
        progress = partial(read_progress, self.kafka, self.topics, state.topic, state.partition)
        return RelayLoop(source, relay, publisher, progress, is_watched)


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
