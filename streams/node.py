"""A node: everything that moves, started and stopped together, and what the doors ask of it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from projections.fold.verdict import Verdict
from schemas.errors import TooLarge, Unavailable, Unfoldable
from schemas.events import ProfileEvent, encode
from schemas.identity import Identity, event_key
from streams.accounts import AccountBook
from streams.appender import Appender
from streams.company_log import CompanyLog
from streams.decisions import KnownDecisions
from streams.departures import Departures
from streams.kafka_access import KafkaAccess
from streams.observe import ChangeHub
from streams.pace import Pace
from streams.stops import stopped
from streams.topics import MAX_EVENT_BYTES, Topics, prepare_topics
from streams.worker import Worker

STOP_SECONDS: Final = 6.0


@dataclass(frozen=True)
class Deployment:
    """What a node has to know of its deployment.

    `purge_within` and `write_timeout` are in seconds, `max_pending` in bytes, `max_streams` are the streams
    of changes that may be open at a time; `folder` holds this node's state.
    """

    kafka: KafkaAccess
    hash_key: bytes
    folder: Path
    partitions: int
    prefix: str
    replication: int
    purge_within: float
    write_timeout: float
    max_pending: int
    max_streams: int

    @property
    def app_id(self) -> str:
        return f"{self.prefix}profilelog"


class Written(NamedTuple):
    """A write that is folded: where it stands in the log and what the fold made of it."""

    partition: int
    verdict: Verdict

    @property
    def position(self) -> str:
        """`X-Log-Position` (contract §14)."""
        return f"{self.partition}:{self.verdict.offset}"


class Node:
    """One node of a deployment; use `running`. `id_` is the same at each start and no other node's."""

    def __init__(self, deployment: Deployment, id_: str) -> None:
        self.deployment = deployment
        self._id = id_
        self.topics = Topics(deployment.partitions, deployment.prefix)
        self.identity = Identity(deployment.hash_key, deployment.partitions)
        self.appender = Appender(
            deployment.kafka,
            timeout=deployment.write_timeout,
            max_pending=deployment.max_pending,
        )
        self.pace = Pace()
        self.decisions = KnownDecisions(deployment.kafka, self.topics)
        self.company_log = CompanyLog(
            deployment.kafka,
            self.topics,
            self.identity,
            self.appender,
            self.decisions,
            timeout=deployment.write_timeout,
        )
        self.companies = self.company_log.companies
        self.book = AccountBook(
            deployment.kafka, self.topics, self.identity, self.appender, self.decisions
        )
        self.worker: Worker
        self.changes: ChangeHub
        self.departures: Departures

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator["Node"]:
        """Start everything; the partitions may still be catching up when this yields (`Worker.ready`)."""
        deployment = self.deployment
        marker = await prepare_topics(
            deployment.kafka,
            self.topics,
            self.identity,
            purge_within=deployment.purge_within,
            replication=deployment.replication,
        )
        self.changes = ChangeHub(deployment.kafka, self.topics, marker.log, deployment.max_streams)
        self.worker = Worker(
            app_id=deployment.app_id,
            node_id=self._id,
            kafka=deployment.kafka,
            topics=self.topics,
            marker=marker,
            identity=self.identity,
            folder=deployment.folder,
            appender=self.appender,
            decisions=self.decisions,
            purge_within=deployment.purge_within,
            pace=self.pace,
            is_watched=self.changes.is_listened,
        )
        async with contextlib.AsyncExitStack() as stack:
            await self.appender.start()
            stack.push_async_callback(self.appender.stop)
            await self.decisions.read()
            for reader in (self.book, self.company_log):
                stack.push_async_callback(reader.stop)
                await reader.start()
            stack.push_async_callback(self.changes.stop)
            await stack.enter_async_context(self.worker.running(STOP_SECONDS))
            self.departures = Departures(
                self.topics,
                self.appender,
                self.company_log,
                self.worker,
                self.worker.folding,
                timeout=deployment.write_timeout,
            )
            await stack.enter_async_context(_running(self.departures.run(), "departures"))
            yield self

    @property
    def stopped(self) -> list[Unfoldable]:
        """The records at which something of this node has stopped, for its operator (contract §15)."""
        held = [self.book.stopped, self.company_log.stopped, *self.worker.stopped]
        return [record for record in held if record is not None]

    def check_replicas(self) -> None:
        """Raises `Unavailable` when the accounts or companies are not known whole: every request needs them."""
        if self.book.stopped is not None or self.company_log.stopped is not None:
            raise stopped()

    async def write(self, partition: int, event: ProfileEvent) -> Written:
        """Append an event and wait for its fold, and for the settlement of an email that it speaks of.

        Raises `TooLarge`, and `Unavailable`, whose text says whether the write may still happen.
        """
        self.worker.profiles(partition)
        value = encode(event)
        if len(value) > MAX_EVENT_BYTES:
            raise TooLarge(f"What would be stored of it is larger than {MAX_EVENT_BYTES} bytes")
        key = event_key()
        verdict = self.worker.folding.expect(key)
        try:
            await self.appender.append(self.topics.events, partition, key, value)
            async with asyncio.timeout(self.deployment.write_timeout):
                written = Written(partition, await verdict)
                for claim in {written.verdict.claim, written.verdict.made} - {None}:
                    assert claim is not None
                    await self.worker.settlement.wait(partition, claim)
        except TimeoutError:
            raise Unavailable(
                "the write is in the log but not folded yet: it will be; sending it again is safe"
            ) from None
        finally:
            self.worker.folding.cancel_wait(key)
        return written

    async def reach(self, positions: Mapping[int, int], timeout: float) -> None:
        """Wait until every read shows the log up to these offsets per partition.

        Raises `Unavailable` when that takes longer than `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                for partition, offset in positions.items():
                    await self.worker.shown(partition, offset)
        except TimeoutError:
            raise Unavailable("the service has not come that far in the log, try again") from None


@contextlib.asynccontextmanager
async def _running(work: Coroutine[None, None, None], name: str) -> AsyncGenerator[None]:
    """Run beside the rest until the block ends."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
