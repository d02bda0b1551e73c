# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""The worker of a node: the Faust app, its agents, and the partitions that it owns.

`streams.folding` folds what arrives of them, `streams.relay` publishes what follows.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from aiokafka.errors import KafkaError
from faust.contrib.asgi import faust_app_running
from faust.types import TP

from projections.emails import EmailState
from projections.partition import NOTHING, Origin
from projections.profiles import ProfileState
from projections.storage import RocksStorage
from schemas.errors import OperatorError, Unavailable, Unfoldable
from schemas.identity import Identity
from streams.appender import Appender
from streams.decisions import KnownDecisions
from streams.delivery import CHUNK_RECORDS, ChunkApp
from streams.folding import Folding
from streams.kafka_access import KafkaAccess
from streams.owned import Owned, drop_old_state
from streams.pace import Pace
from streams.progress import read_progress
from streams.purge import Purge
from streams.reading import end_reader
from streams.relay import Relay
from streams.search_feed import SearchFeed
from streams.settlement import Settlement
from streams.stops import Stops, stopped
from streams.topics import LogMarker, Topics
from streams.transactions import PublicationFailed, TransactionalPublisher

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 0.5
# Public documents may wait this long for company in one transaction; claims, which answers wait for, do not.
_LINGER_SECONDS: Final = 0.2
# While streams are open, whose consumers wait for them.
_WATCHED_LINGER_SECONDS: Final = 0.01


class Worker:
    """Folds and relays the partitions that Faust assigns to this node."""

    def __init__(
        self,
        *,
        app_id: str,
        node_id: str,
        kafka: KafkaAccess,
        topics: Topics,
        marker: LogMarker,
        identity: Identity,
        folder: Path,
        appender: Appender,
        decisions: KnownDecisions,
        purge_within: float,
        pace: Pace,
        is_watched: Callable[[], bool],
    ) -> None:
        self._app_id = app_id
        self._node_id = node_id
        self._kafka = kafka
        self._topics = topics
        self._marker = marker
        self._identity = identity
        self._folder = folder
        self._appender = appender
        self._owned: dict[TP, Owned] = {}
        self._assigning = asyncio.Lock()
        self._is_watched = is_watched
        self.settlement = Settlement()
        self._stops = Stops(kafka, decisions)
        self.search = SearchFeed(
            folder / "search",
            f"{marker.log} {identity.fingerprint} {topics.partitions}",
            identity,
            self._owned,
            is_ready=lambda: self.ready,
            is_busy=lambda: self.folding.is_busy,
            pace=pace,
        )
        self.purge = Purge(kafka, topics, appender, self._owned, purge_within, self.search.erase)
        self.folding = Folding(
            self._owned, self.settlement, self._stops, self.search, self.purge, self._fail
        )
        appender.appended = self.folding.fold_own
        self.failure: OperatorError | None = None
        self.failed = asyncio.Event()

    # ------------------------------------------------------------------ life

    @contextlib.asynccontextmanager
    async def running(self, stop_timeout: float) -> AsyncGenerator[None]:
        """Join the group, fold and relay until the block ends."""
        app = self._make_app()
        beside = [
            asyncio.create_task(self._watch(app), name="watch the Faust app"),
            asyncio.create_task(self.purge.run(), name="purge"),
            asyncio.create_task(self.search.run(), name="search feed"),
        ]
        try:
            async with faust_app_running(app, stop_timeout=stop_timeout):
                yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self.search.close()
            await self._give_up(list(self._owned))

    async def _watch(self, app: ChunkApp) -> None:
        """A Faust app that crashed serves nothing any more, and does not start again by itself."""
        await app.wait_until_stopped()  # or crashed
        if app.crashed:
            reason = type(app.crash_reason).__name__
            self._fail(
                OperatorError(f"the Faust worker crashed ({reason}): start the service again")
            )

    def _fail(self, error: OperatorError) -> None:
        if self.failure is None:
            self.failure = error
        self.failed.set()

    def _make_app(self) -> ChunkApp:
        app = ChunkApp(
            self._app_id,
            kafka=self._kafka,
            positions=self._positions,
            applied=self._applied,
            datadir=str(self._folder / "faust"),
            broker_session_timeout=6.0,  # Kafka's least: how long a killed node keeps its partitions
            broker_heartbeat_interval=1.5,
            # A static member: after a kill -9 the group gives the node its partitions back at once.
            consumer_group_instance_id=self._node_id,
            broker_max_poll_records=4 * CHUNK_RECORDS,
            consumer_max_fetch_size=4 << 20,
        )

        @app.agent(app.chunks(self._topics.events, self._topics.partitions), concurrency=1)
        async def fold_profile_events(chunks: Any) -> None:
            async for chunk in chunks:
                await self.folding.fold_events(chunk)

        @app.agent(app.chunks(self._topics.emails, self._topics.partitions), concurrency=1)
        async def fold_email_claims(chunks: Any) -> None:
            async for chunk in chunks:
                await self.folding.fold_claims(chunk)

        return app

    # ------------------------------------------------------------------ assignment

    async def _positions(self, assigned: set[TP]) -> Mapping[TP, int]:
        """Take over what is newly assigned, give up what is lost, and say where each partition resumes."""
        async with self._assigning:
            await self._give_up([tp for tp in self._owned if tp not in assigned])
            new = sorted(tp for tp in assigned if tp not in self._owned)
            try:
                await asyncio.gather(*(self._take(tp) for tp in new))
            except OperatorError as error:
                self._fail(error)
                raise
            return {tp: self._owned[tp].state.applied + 1 for tp in assigned}

    def _applied(self, tp: TP) -> int:
        owned = self._owned.get(tp)
        return NOTHING if owned is None else owned.state.applied

    async def _take(self, tp: TP) -> None:
        owned = self._open(tp)
        try:
            async with end_reader(self._kafka) as ends:
                owned.end = (await ends(tp.topic, [tp.partition]))[tp.partition]
                owned.state.check_end(owned.end)
                await self._start_relay(owned, tp)
                # Only now: the former owner can publish nothing more (`streams.settlement`).
                outputs = await ends(self._other(tp.topic), range(self._topics.partitions))
        except BaseException:
            owned.state.close()
            raise
        self.settlement.take_over(owned.state, outputs)
        self._stops.take(owned)
        owned.look()
        owned.task = asyncio.create_task(
            self._relay(owned, tp), name=f"relay of {tp.topic}-{tp.partition}"
        )
        self._owned[tp] = owned

    def _other(self, topic: str) -> str:
        """Where the outputs of a topic go that the settlement waits for: claims from events, releases from claims."""
        return self._topics.emails if topic == self._topics.events else self._topics.events

    def _open(self, tp: TP) -> Owned:
        origin = Origin(
            self._marker.log,
            tp.topic,
            tp.partition,
            self._topics.partitions,
            self._identity.fingerprint,
        )
        folder = self._folder / "state" / f"{tp.topic}-{tp.partition}"
        drop_old_state(folder)
        if tp.topic == self._topics.events and RocksStorage.last_written(folder) is None:
            self.search.discard()
        storage = RocksStorage(folder)
        try:
            state = (
                ProfileState(storage, origin, self._identity)
                if tp.topic == self._topics.events
                else EmailState(storage, origin)
            )
        except BaseException:
            storage.close()
            raise
        publisher = TransactionalPublisher(self._kafka, f"{self._app_id}-{tp.topic}-{tp.partition}")
        relay = Relay(
            state, tp.topic, self._topics, self._identity, publisher, self._appender.append
        )
        return Owned(state, relay, publisher)

    async def _start_relay(self, owned: Owned, tp: TP) -> None:
        """Rule 1 of the relay, until Kafka answers."""
        while True:
            try:
                await owned.relay.start(
                    lambda: read_progress(self._kafka, self._topics, tp.topic, tp.partition)
                )
            except (PublicationFailed, KafkaError) as error:
                log.warning("relay of %s-%s cannot start: %s", tp.topic, tp.partition, error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _give_up(self, lost: Iterable[TP]) -> None:
        for tp in lost:
            owned = self._owned.pop(tp)
            for task in filter(None, (owned.task, owned.resuming)):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await owned.publisher.stop()
            async with owned.compacting:
                owned.state.close()

    # ------------------------------------------------------------------ relaying

    async def _relay(self, owned: Owned, tp: TP) -> None:
        try:
            await self._relay_for_ever(owned, tp)
        except OperatorError as error:
            self._fail(error)
        except Exception as error:
            reason = type(error).__name__
            self._fail(OperatorError(f"the relay of {tp.topic}-{tp.partition} failed ({reason})"))

    async def _relay_for_ever(self, owned: Owned, tp: TP) -> None:
        await owned.caught_up.wait()
        self.purge.wake()
        self.search.wake()
        while True:
            try:
                await owned.relay.empty(owned.relay_pause)
            except (PublicationFailed, Unavailable) as error:
                log.warning("relay of %s-%s starts again: %s", tp.topic, tp.partition, error)
                await asyncio.sleep(_RETRY_SECONDS)
                await self._start_relay(owned, tp)
                continue
            await owned.work.wait()
            # Not `wait_for`: it loses a cancellation that comes together with the result (Python 3.11).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger(tp)):
                    await owned.urgent.wait()
            owned.work.clear()
            owned.urgent.clear()

    def _linger(self, tp: TP) -> float:
        """How long, in seconds, outputs wait for company."""
        watched = tp.topic == self._topics.events and self._is_watched()
        return _WATCHED_LINGER_SECONDS if watched else _LINGER_SECONDS

    # ------------------------------------------------------------------ for the HTTP layer

    @property
    def ready(self) -> bool:
        """Whether all partitions are owned and caught up."""
        return len(self._owned) == 2 * self._topics.partitions and all(
            owned.ready for owned in self._owned.values()
        )

    def profiles(self, partition: int) -> ProfileState:
        """The profiles of a partition. Raises `Unavailable` unless they are here and caught up."""
        state = self._ready(TP(self._topics.events, partition)).state
        assert isinstance(state, ProfileState)
        return state

    def owned_profiles(self) -> dict[int, ProfileState]:
        """The profiles of each partition that is here and caught up."""
        return {
            tp.partition: owned.state
            for tp, owned in self._owned.items()
            if owned.ready and isinstance(owned.state, ProfileState)
        }

    def emails(self, partition: int) -> EmailState:
        """The email index of a partition. Raises `Unavailable` unless it is here and caught up."""
        state = self._ready(TP(self._topics.emails, partition)).state
        assert isinstance(state, EmailState)
        return state

    async def shown(self, partition: int, offset: int) -> None:
        """Wait until every read shows what stands in the log up to the offset. Raises `Unavailable`."""
        await self._ready(TP(self._topics.events, partition)).applied(offset)
        await self.settlement.wait_before(partition, offset)

    @property
    def stopped(self) -> list[Unfoldable]:
        """The records at which partitions of this node have stopped."""
        return [owned.stopped for owned in self._owned.values() if owned.stopped is not None]

    def check_folding(self) -> None:
        """Raises `Unavailable` when a partition has stopped: what is written there would not be folded."""
        if any(owned.stopped is not None for owned in self._owned.values()):
            raise stopped()

    def _ready(self, tp: TP) -> Owned:
        owned = self._owned.get(tp)
        if owned is not None and owned.stopped is not None:
            raise stopped()
        if owned is None or not owned.ready:
            raise Unavailable("the service is catching up with the log, try again", retry_after=1)
        return owned
