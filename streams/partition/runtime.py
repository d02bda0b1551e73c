"""A partition that this node owns: its state, its relay, and how far both are."""

import asyncio
import logging
import shutil
import time
from pathlib import Path
from typing import Final, NamedTuple

from projections.partition import NOTHING, PartitionState
from projections.storage import RocksStorage
from schemas.errors import Unfoldable
from streams.log.topic_settings import TOMBSTONES_KEPT_SECONDS
from streams.log.transactions import TransactionalPublisher
from streams.partition.relay import Relay

log = logging.getLogger(__name__)

# How long the relay stands back after each step while the fold has a backlog.
_RELAY_BACK_SECONDS: Final = 0.5


class OwnRecord(NamedTuple):
    """A record that this node appended itself."""

    offset: int
    key: bytes
    value: bytes | None


class Owned:
    """A partition of a topic that this node owns: its state, its relay, and where the log ended at assignment."""

    def __init__(
        self, state: PartitionState, relay: Relay, publisher: TransactionalPublisher
    ) -> None:
        self.state = state
        self.relay = relay
        self.publisher = publisher
        self.end = 0
        self.task: asyncio.Task[None] | None = None
        self.work = asyncio.Event()
        self.urgent = asyncio.Event()
        self.caught_up = asyncio.Event()
        self.backlog = False
        # The record that cannot be folded and has stopped the partition, and up to where later ones were delivered.
        self.stopped: Unfoldable | None = None
        self.delivered = NOTHING
        self.resuming: asyncio.Task[None] | None = None
        # Held while a thread works on the state's files.
        self.compacting = asyncio.Lock()
        self._waiters: dict[asyncio.Future[None], int] = {}

    @property
    def ready(self) -> bool:
        return self.stopped is None and self.caught_up.is_set()

    def relay_pause(self) -> float:
        """The relay stands back, in seconds, while the fold has a backlog and no answer waits for a claim."""
        return _RELAY_BACK_SECONDS if self.backlog and not self.urgent.is_set() else 0

    async def applied(self, offset: int) -> None:
        """Wait until the state is folded up to the offset."""
        if self.state.applied < offset:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters[waiter] = offset
            try:
                await waiter
            finally:
                del self._waiters[waiter]

    def wake(self) -> None:
        """Tell who waits for what is applied now."""
        for waiter, offset in self._waiters.items():
            if offset <= self.state.applied and not waiter.done():
                waiter.set_result(None)

    def look(self) -> None:
        """Note that something was applied."""
        self.wake()
        if not self.caught_up.is_set() and self.state.applied + 1 >= self.end:
            self.caught_up.set()


def drop_old_state(folder: Path) -> None:
    """Remove a state that may have missed a tombstone: Kafka keeps one for a while only.

    An email claim whose tombstone was never seen would stay in the index for ever.
    """
    written = RocksStorage.last_written(folder)
    if written is not None and time.time() - written > TOMBSTONES_KEPT_SECONDS:
        log.info("the state of %s is too old to be carried on: it is folded again", folder.name)
        shutil.rmtree(folder)
