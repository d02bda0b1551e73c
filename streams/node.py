"""A node: everything that moves, started and stopped together, and what the HTTP layer asks of it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from typing import Final, NamedTuple

from projections.fold.verdict import Verdict
from projections.search.searches import Searches
from schemas.errors import StoppedAt, TooLarge, Unavailable
from schemas.events import ProfileEvent, encode
from schemas.identity import Identity, event_key
from streams.change_streams import ChangeHub
from streams.cluster.cluster import Cluster
from streams.cluster.operations import WriteEvent
from streams.consumer_group.assignment import Assignment
from streams.consumer_group.faust_app import group_member, make_app
from streams.deployment import Deployment
from streams.erasure.company_deletion import CompanyDeletions
from streams.erasure.purge_cycle import Purge
from streams.failure import Failure
from streams.indexing.commit_loop import SearchFeed
from streams.log.appender import Appender
from streams.log.decisions import KnownDecisions
from streams.log.rights import check_group
from streams.log.topics import MAX_EVENT_BYTES, LogMarker, Topics, prepare_topics
from streams.pace import Pace
from streams.partition.batch_pace import BatchPace
from streams.partition.leases import Owner, boot_id
from streams.partition.opening import PartitionOpener
from streams.partition.owned_partitions import Elsewhere
from streams.partition.pending_writes import PendingWrites
from streams.partition.runtime import Effects
from streams.partition.stops import Stops, stopped
from streams.replicas.account_book import AccountBook
from streams.replicas.company_log import CompanyLog

STOP_SECONDS: Final = 6.0
_LEFTOVERS_SECONDS: Final = 10.0
MOST_UNFOLDED: Final = 300_000
"""Events of batches that may be appended and not folded: a write that comes then waits for the fold of all of them."""


class Written(NamedTuple):
    """A write that is folded: where it stands in the log, what the fold made of it, and its key where it is known."""

    partition: int
    verdict: Verdict
    key: bytes | None = None

    @property
    def position(self) -> str:
        """`X-Log-Position` (contract §14)."""
        return f"{self.partition}:{self.verdict.offset}"


class Node:
    """One node of a deployment; use `running`.

    `id_` is the same at each start and no other node's; `url` is where the other nodes reach it.
    """

    def __init__(self, deployment: Deployment, id_: str, url: str) -> None:
        self.deployment = deployment
        self._id = id_
        self.topics = Topics(deployment.partitions, deployment.prefix)
        self.identity = Identity(deployment.hash_key, deployment.partitions)
        self.pace = Pace()
        self.batch_pace = BatchPace(self.pace)
        self.writes = PendingWrites(deployment.write_timeout, self.batch_pace.write_waits)
        self.cluster = Cluster(
            deployment.kafka,
            self.topics,
            self.identity,
            Owner(id_, url, boot_id()),
            self.writes.settlement,
            deployment.write_timeout,
            deployment.session_timeout / 2,
        )
        self.partitions = self.cluster.partitions
        self.appender = Appender(
            deployment.kafka,
            timeout=deployment.write_timeout,
            max_pending=deployment.max_pending,
            on_appended=self.partitions.fold_appended,
        )
        self.failure = Failure()
        self.repairs: list[str] = []
        """Of each state folder that was damaged and is folded again, what an operator should know."""
        self.decisions = KnownDecisions(deployment.kafka, self.topics)
        self.company_log = CompanyLog(
            deployment.kafka,
            self.topics,
            self.identity,
            self.appender,
            self.decisions,
            timeout=deployment.write_timeout,
            spread=self.cluster.spread_companies,
        )
        self.companies = self.company_log.companies
        self.book = AccountBook(
            deployment.kafka, self.topics, self.identity, self.appender, self.decisions
        )
        self.company_deletions = CompanyDeletions(
            self.topics,
            self.appender,
            self.company_log,
            self.partitions,
            self.writes.verdicts,
            self.cluster.members_left,
        )
        # What needs to know whose log it is.
        self.changes: ChangeHub
        self.search: SearchFeed
        self.purge: Purge

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator["Node"]:
        """Start everything; the partitions may still be catching up when this yields (`OwnedPartitions.ready`)."""
        deployment = self.deployment
        await check_group(deployment.kafka, deployment.app_id)
        marker = await prepare_topics(
            deployment.kafka,
            self.topics,
            self.identity,
            purge_within=deployment.purge_within,
            replication=deployment.replication,
        )
        assignment = self._assignment(marker)
        app = make_app(
            deployment.app_id,
            self._id,
            deployment.kafka,
            deployment.session_timeout,
            self.topics,
            deployment.folder / "faust",
            assignment,
            self.partitions,
        )
        self.cluster.answering.on_wait = app.hurry
        async with contextlib.AsyncExitStack() as stack:
            await self.appender.start()
            stack.push_async_callback(self.appender.stop)
            await stack.enter_async_context(self.cluster.running())
            await self.decisions.read()
            for replica in (self.book, self.company_log):
                stack.push_async_callback(replica.stop)
                await replica.start()
            stack.push_async_callback(self.changes.stop)
            stack.push_async_callback(assignment.release_all)
            stack.push_async_callback(self.search.close)
            await stack.enter_async_context(_running(self.search.run(), "search feed"))
            await stack.enter_async_context(_running(self.purge.run(), "purge"))
            await stack.enter_async_context(group_member(app, self.failure, STOP_SECONDS))
            await stack.enter_async_context(
                _running(self._remove_leftovers(assignment), "states of other nodes' partitions")
            )
            await stack.enter_async_context(
                _running(self.company_deletions.run(), "deletions of companies")
            )
            yield self

    async def _erase_claims(self, partition: int, claims: Sequence[bytes]) -> bool:
        return await self.cluster.erase_claims(self.purge.erase_claims, partition, claims)

    async def _remove_leftovers(self, assignment: Assignment) -> None:
        while True:
            await assignment.remove_leftovers()
            await self.cluster.owners.changed(_LEFTOVERS_SECONDS)

    def _assignment(self, marker: LogMarker) -> Assignment:
        """Makes what folds, publishes, indexes and purges the partitions of this log."""
        deployment, kafka = self.deployment, self.deployment.kafka
        runtimes = self.partitions.runtimes
        self.changes = ChangeHub(kafka, self.topics, marker.log, deployment.max_streams)
        self.search = SearchFeed(
            deployment.folder / "search",
            f"{marker.log} {self.identity.fingerprint} {self.topics.partitions}",
            runtimes,
            is_ready=lambda: self.partitions.caught_up,
            is_busy=lambda: self.batch_pace.is_busy,
            pace=self.pace,
        )
        self.purge = Purge(
            kafka,
            self.topics,
            self.appender,
            runtimes,
            deployment.purge_within,
            self.search.erase,
            self._erase_claims,
        )
        effects = Effects(
            self.writes,
            self.search,
            self.purge,
            self.batch_pace,
            Stops(kafka, self.decisions),
            self.failure,
        )
        opener = PartitionOpener(
            deployment.app_id,
            kafka,
            self.topics,
            marker,
            self.identity,
            deployment.folder / "state",
            self.appender,
            effects,
            on_new_state=self.search.discard,
            is_watched=self.changes.is_listened,
            leases=self.cluster.leases,
            repairs=self.repairs,
        )
        return Assignment(
            kafka,
            self.topics,
            opener,
            self.partitions,
            self.writes.settlement,
            self.failure,
            self.cluster.owners.seconds_left,
        )

    @property
    def stopped(self) -> list[StoppedAt]:
        """The records at which something of this node has stopped, for its operator (contract §15)."""
        held = [self.book.stopped, self.company_log.stopped, *self.partitions.stopped]
        return [record for record in held if record is not None]

    def check_replicas(self) -> None:
        """Raises `Unavailable` when the accounts or companies are not known whole: every request needs them."""
        if self.book.stopped is not None or self.company_log.stopped is not None:
            raise stopped()

    def check_caught_up(self) -> None:
        """Raises `Unavailable` unless this node owns partitions, and all of them are caught up."""
        if not self.partitions.caught_up:
            raise Unavailable("the service is catching up with the log, try again", retry_after=1)

    def searched(self) -> tuple[list[int], Searches]:
        """The partitions that this node owns, and the index that has all of their profiles.

        Raises `Unavailable` while the node catches up, or the index does.
        """
        self.check_caught_up()
        return sorted(self.partitions.owned_profiles()), self.search.searches

    async def write(self, partition: int, event: ProfileEvent) -> Written:
        """Append an event and wait for its fold, and for the settlement of an email that it speaks of.

        The owner of the partition does, this node or another. Raises `TooLarge`, and `Unavailable`, whose text says
        whether the write may still happen.
        """
        value = encode(event)
        if len(value) > MAX_EVENT_BYTES:
            raise TooLarge(f"What would be stored of it is larger than {MAX_EVENT_BYTES} bytes")
        key = event_key()
        try:
            verdict = await self.write_here(partition, key, value)
        except Elsewhere:
            verdict = await self.cluster.peers.ask(WriteEvent(partition, key, value))
        return Written(partition, verdict, key)

    async def write_here(self, partition: int, key: bytes, value: bytes) -> Verdict:
        """As `write`, of an event that is encoded and a partition of this node. Raises `Elsewhere`, `Unavailable`."""
        self.partitions.profiles(partition)
        verdict = self.writes.verdicts.expect(key)
        try:
            await self.appender.append(self.topics.events, partition, key, value)
            return await self.writes.settled(partition, verdict)
        finally:
            self.writes.verdicts.cancel_wait(key)

    async def let_fold_catch_up(self, appended: Mapping[int, int]) -> None:
        """Returns when the fold is near enough to what a batch has appended: the last offset by partition."""
        most = MOST_UNFOLDED // self.topics.partitions
        if all(
            self.partitions.is_folded(partition, offset - most)
            for partition, offset in appended.items()
        ):
            return
        with self.batch_pace.folding_first():
            for partition, offset in appended.items():
                await self.cluster.wait_folded(partition, offset - most)

    async def reach(self, positions: Mapping[int, int], timeout: float) -> None:
        """Wait until every read shows the log up to these offsets per partition.

        Raises `Unavailable` when that takes longer than `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                for partition, offset in positions.items():
                    await self.cluster.wait_shown(partition, offset)
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
