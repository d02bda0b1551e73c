"""When the relay of a partition starts and publishes, how long outputs wait for others, and what follows a failure.

Behind a batch the fold and then the claims go first, and the relay pauses after each transaction; until what waits is
too old, then all go on by turns. Where more than `MOST_RECORDS` wait, or for longer than `MOST_SECONDS`, the fold of
batches waits.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Final

from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from streams.lag import Lag, LagClock
from streams.log.transactions import PublicationFailed, TransactionalPublisher
from streams.partition.leases import Lease
from streams.partition.progress import ProgressReader
from streams.partition.relay import Relay
from streams.timed_wait import set_within

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 0.5
# How long outputs wait for others to share a transaction: public documents, and tombstones, for which nobody waits.
DOCUMENTS_LINGER_SECONDS: Final = 0.2
TOMBSTONES_LINGER_SECONDS: Final = 1.0
# While streams of changes are open, whose consumers wait for them.
_WATCHED_LINGER_SECONDS: Final = 0.01
# How long the relay pauses after each step while fold or claims have a backlog, unless outputs have waited for so long.
_PAUSE_SECONDS: Final = 0.5
_PATIENT_SECONDS: Final = 10.0

MOST_RECORDS: Final = 1_000_000
MOST_SECONDS: Final = 60.0
# A relay that has published nothing for so long does not work, and nothing is gained by waiting for it.
_WORKING_SECONDS: Final = 10.0
_RELEASE_SECONDS: Final = 1.0


def _nothing() -> None:
    """Nobody waits for the lease."""


class RelayLoop:
    """Runs the relay of `name`, "<topic>-<partition>".

    `is_watched` says whether somebody waits for what it publishes; where nobody does, outputs wait `linger` seconds for
    others. While `backlog` is set, because the fold has more to do, or the claims of a batch are being sent, the relay
    pauses between its transactions, unless an answer waits for a release.
    """

    def __init__(
        self,
        name: str,
        relay: Relay,
        publisher: TransactionalPublisher,
        progress: ProgressReader,
        is_watched: Callable[[], bool],
        linger: float,
        lease: Lease | None = None,
    ) -> None:
        self._name = name
        self._linger = linger
        self._relay = relay
        self._publisher = publisher
        self._progress = progress
        self._lease = lease
        self._is_watched = is_watched
        self._work = asyncio.Event()
        self._urgent = asyncio.Event()
        self._claims = asyncio.Event()
        self._clock = LagClock()
        self._stepped = asyncio.Event()
        self._stepped_at = time.monotonic()
        self._claims_wait = False  # for the progress to follow them
        self.backlog = False
        self.is_lost = False
        """Another node has taken the partition over, and the group has still to say so."""

    def notify(self, offset: int, *, urgent: bool = False, claims: bool = False) -> None:
        """A fold has left something to publish, of events up to the offset.

        `urgent`: an answer waits for it. Or for `claims`, which go ahead.
        """
        self._clock.reached(offset)
        if claims:
            self._claims.set()
        if urgent:
            self._urgent.set()
        self._work.set()

    async def start(self) -> None:
        """Fences the former owner (rule 1 of the relay); tried again until Kafka answers.

        Raises `LostProgress` and `MissingRights`.
        """
        while True:
            try:
                await self._relay.start(self._progress.read)
            except (PublicationFailed, KafkaError) as error:
                log.warning("relay of %s cannot start: %s", self._name, error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def run(self, on_begun: Callable[[], None] = _nothing) -> None:
        """Publishes until it is cancelled, or another node has taken the partition over meanwhile.

        What fails of Kafka starts again from rule 1. `on_begun` is called each time that the lease has begun.
        """
        while True:
            self._claims.set()  # what an earlier start has left
            try:
                await _until_one_fails(self._renew(on_begun), self._send_claims(), self._publish())
            except (PublicationFailed, Unavailable) as error:
                log.warning("relay of %s starts again: %s", self._name, error)
                await asyncio.sleep(_RETRY_SECONDS)
                await self._start_again()
                if self.is_lost:
                    log.warning("relay of %s ends: another node owns the partition", self._name)
                    return

    async def _start_again(self) -> None:
        """As `start`, but who was replaced while it stood still fences nobody, and answers no more."""
        while True:
            try:
                await self._progress.read()
                break
            except KafkaError as error:
                log.warning("relay of %s cannot start: %s", self._name, type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
        if not self.was_anothers:
            await self.start()
        if self._lease is not None and self.was_anothers:
            self.is_lost = True
            self._lease.give_up()

    @property
    def was_anothers(self) -> bool:
        """Whether the partition's owner was another node, as it was last read."""
        owner = self._progress.owner
        return self._lease is not None and owner is not None and self._lease.is_of_another(owner[1])

    async def _renew(self, on_begun: Callable[[], None]) -> None:
        """Keeps the lease."""
        if self._lease is None:
            return
        await self._lease.renew(self._relay.publish_owner)
        on_begun()
        while True:
            await self._lease.until_due()
            await self._lease.renew(self._relay.publish_owner)

    @property
    def has_begun(self) -> bool:
        """Whether this node holds the partition's lease; it may have run out."""
        return self._lease is None or self._lease.has_begun

    @property
    def may_be_lost(self) -> bool:
        """Whether another node has taken the partition over, or may have."""
        return self.is_lost or (self._lease is not None and self._lease.has_run_out)

    @property
    def former_owner(self) -> tuple[int, bytes] | None:
        """The record of the owner that was the last when the relay started, with its offset."""
        return self._progress.owner

    async def release(self) -> None:
        """Gives the lease up, which nobody answers by any more; where that fails the next owner waits for its end."""
        if self._lease is None:
            return
        with contextlib.suppress(PublicationFailed, TimeoutError):
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._lease.release(self._relay.publish_owner)

    @property
    def lag(self) -> Lag:
        """Records whose outputs have not all left."""
        below = self._relay.left_below
        return Lag(max(0, self._relay.applied + 1 - below), self._clock.seconds(below))

    async def let_catch_up(self) -> None:
        """Returns when so little waits to be published that the fold of a batch may go on."""
        while self._is_too_far_behind() and time.monotonic() - self._stepped_at < _WORKING_SECONDS:
            self._stepped.clear()
            await set_within(self._stepped, _WORKING_SECONDS)

    def _is_too_far_behind(self) -> bool:
        lag = self.lag
        return lag.waiting > MOST_RECORDS or lag.seconds > MOST_SECONDS

    async def _send_claims(self) -> None:
        """Answers wait for claims, so these wait for nothing but for their own bound."""
        while True:
            await self._claims.wait()
            self._claims.clear()
            while not await self._relay.send_claims_ahead():
                self._claims_wait = True
                self._stepped.clear()
                await self._stepped.wait()
            self._claims_wait = False

    async def _publish(self) -> None:
        while True:
            await self._publish_all()
            await self._work.wait()
            linger = _WATCHED_LINGER_SECONDS if self._is_watched() else self._linger
            await set_within(self._urgent, linger)
            self._work.clear()
            self._urgent.clear()

    async def _publish_all(self) -> None:
        """Publish all that is there now; between two steps others run.

        What comes meanwhile waits for the next time, or each transaction would publish one event.
        """
        end = self._relay.applied
        while await self._relay.step():
            self._stepped_at = time.monotonic()
            self._stepped.set()
            if self._relay.is_at > end:
                break
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        waits = self._urgent.is_set() or self._claims_wait
        stands_back = (self.backlog or self._relay.many_claims_wait) and not waits
        return _PAUSE_SECONDS if stands_back and self._is_patient() else 0

    def _is_patient(self) -> bool:
        return self.lag.seconds < _PATIENT_SECONDS

    async def stop(self) -> None:
        """Closes the connection to Kafka."""
        await self._publisher.stop()


async def _until_one_fails(*work: Coroutine[None, None, None]) -> None:
    """Run both, which do not end; raises what one of them raises, when neither runs any more."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    errors = [error for task in done if not task.cancelled() and (error := task.exception())]
    errors.sort(key=lambda error: isinstance(error, PublicationFailed | Unavailable))
    for error in errors:  # one that a new start does not mend goes first
        raise error
