"""What a node asks about partitions, wherever they are: here of their state, elsewhere of their owner."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence, Set
from typing import Final, TypeVar, cast

from faust.types import TP

from projections.partition import NOTHING
from schemas.errors import Unavailable
from schemas.identity import Identity
from streams.cluster.answering import Answering
from streams.cluster.operations import (
    Attempt,
    AttemptOf,
    CompaniesFoldedTo,
    Counted,
    EraseClaims,
    EventsTracked,
    FoldedTo,
    FoundPage,
    Listed,
    MembersLeft,
    Names,
    OfState,
    Operation,
    Question,
    ShownTo,
    Surveyed,
    WhoAreYou,
)
from streams.cluster.owners import Owners
from streams.cluster.peers import PeerError, Peers, moving
from streams.cluster.settling import Settling
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import log_bounds
from streams.log.topics import Topics
from streams.partition.leases import Leases, Owner
from streams.partition.owned_partitions import Elsewhere, OwnedPartitions
from streams.partition.settlement_among_nodes import SettlementAmongNodes

log = logging.getLogger(__name__)

_GREET_SECONDS: Final = 1.0

ALONE_SECONDS: Final = 30.0
"""The lease of a node that knows of no other: how long it answers reads without Kafka."""

Answered = TypeVar("Answered")
Part = TypeVar("Part", FoundPage, Counted, Listed, Names, Surveyed, EventsTracked)
"""What one node answers, with the `partitions` that it answers for."""


class Cluster:
    """The partitions of this node, `me`, and of others. Use `running`.

    `patience` (seconds) is how long a partition may have no owner that answers, `lease` how long it may answer by one
    renewal.
    """

    def __init__(
        self,
        kafka: KafkaAccess,
        topics: Topics,
        identity: Identity,
        me: Owner,
        settlement: SettlementAmongNodes,
        patience: float,
        lease: float,
    ) -> None:
        self.owners = Owners(kafka, topics, me)
        self.partitions = OwnedPartitions(topics, self.owners)
        self.leases = Leases(me, self._lease_seconds)
        self.peers = Peers(self.owners, topics, identity.door_key, patience)
        self.answering = Answering(self.partitions, settlement)
        self._settling = Settling(self.peers, topics, settlement)
        self._kafka = kafka
        self._lease = lease
        self._topics = topics

    def _lease_seconds(self) -> float:
        """Short where another node may take over; a node that is alone can so do without Kafka for a while."""
        return self._lease if self.owners.others() else ALONE_SECONDS

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Follows who owns what, and what this node waits for of others."""
        tasks = [
            asyncio.create_task(self.owners.run(), name="owners of partitions"),
            asyncio.create_task(self._settling.run(), name="settling elsewhere"),
            asyncio.create_task(self._greet(), name="reaching other nodes"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.peers.stop()

    async def _greet(self) -> None:
        """Finds out, again and again, which other nodes are reached."""
        while True:
            await asyncio.gather(*map(self._greet_one, self.owners.others()))
            await asyncio.sleep(_GREET_SECONDS)

    async def _greet_one(self, owner: Owner) -> None:
        was_reached = self.peers.is_reached(owner)
        with contextlib.suppress(PeerError, Unavailable):
            node = await self.peers.ask_node(owner, WhoAreYou())
            self.peers.note(owner, reached=node == owner.node)
        if was_reached and not self.peers.is_reached(owner):
            log.warning(
                "the node %s is not reached at %s: see whether it runs, and its PROFILELOG_ADVERTISE",
                owner.node,
                owner.url,
            )

    @property
    def ready(self) -> bool:
        """Whether every partition has an owner that is caught up and was reached when it was last asked."""
        may_answer = self.leases.are_good(self.leases.lapsed) and self.leases.are_as_short
        return (
            may_answer
            and self.partitions.ready
            and all(map(self.peers.is_reached, self.owners.others()))
        )

    @property
    def ready_partitions(self) -> int:
        """How many partitions have an owner, of both topics, that answers."""
        waiting = {tp.partition for tp in self.partitions.all() if not self._is_ready(tp)}
        return self._topics.partitions - len(waiting)

    def _is_ready(self, tp: TP) -> bool:
        owner = self.owners.elsewhere(tp)
        return self.partitions.is_here(tp) or (owner is not None and self.peers.is_reached(owner))

    async def read(self, operation: Operation[Answered]) -> Answered:
        """What the owner of a partition, this node or another, reads of it (`OfState`). Raises `Unavailable`."""
        try:
            return cast("Answered", self.answering.read(cast("OfState", operation)))
        except Elsewhere:
            return await self.peers.ask(operation)

    async def spread_companies(self, offset: int) -> None:
        """Waits until all other nodes have folded the companies up to the offset. Raises `Unavailable`."""
        behind = self.owners.others()
        until = time.monotonic() + self.peers.patience
        while behind:
            asked = [
                (owner, self.peers.ask_node(owner, CompaniesFoldedTo(offset))) for owner in behind
            ]
            answers = await asyncio.gather(*(each for _, each in asked), return_exceptions=True)
            done = {
                owner for (owner, _), answer in zip(asked, answers, strict=True) if answer is True
            }
            behind = (behind - done) & self.owners.others()
            if behind and time.monotonic() > until:
                raise Unavailable(
                    "the write is in the log but not folded by every node yet: it will be; sending it again is safe"
                )
            if behind:
                await self.peers.until_moved()

    async def erase_claims(
        self,
        here: Callable[[int, Sequence[bytes]], Awaitable[bool]],
        partition: int,
        claims: Sequence[bytes],
    ) -> bool:
        """Compacts a partition of the email index, by `here` where it is this node's. Raises `Unavailable`."""
        try:
            self.partitions.emails(partition)
        except Elsewhere:
            return await self.peers.ask(EraseClaims(partition, [*claims]))
        return await here(partition, claims)

    async def members_left(
        self, deletion: str, number: int, but: Set[int]
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Of all partitions `but` some: whether nobody is a member of a deleted company, and who was forgotten.

        Waits a while for that. Raises `Unavailable`.
        """
        asked = [
            MembersLeft(partition, deletion, number)
            for partition in range(self._topics.partitions)
            if partition not in but
        ]
        answers = await asyncio.gather(*map(self.peers.ask, asked)) if asked else []
        return None not in answers, [member for members in answers for member in members or ()]

    async def wait_for_end(self, partition: int) -> None:
        """Where there are other nodes: waits until what is in a partition's log now is folded, or some seconds."""
        if not self.owners.others():
            return
        async with log_bounds(self._kafka) as bounds:
            end = await bounds.end(self._topics.events, partition)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.peers.patience):
                await self.wait_shown(partition, end - 1)

    async def of_all_nodes(
        self, here: Callable[[], Awaitable[Part]], question: Callable[[], Question[Part]]
    ) -> list[Part]:
        """The parts that the nodes answer, which are of all partitions together. Raises `Unavailable`."""
        until = time.monotonic() + self.peers.patience
        while True:
            others = self.owners.others()
            # A node that owns nothing and knows of nobody says that it is catching up.
            parts_here = [here()] if self.partitions.runtimes or not others else []
            asked = [self.peers.ask_node(owner, question()) for owner in others]
            try:
                parts = await _all_or_none([*parts_here, *asked])
            except PeerError:
                parts = []
            found = sorted(number for part in parts for number in part.partitions)
            if found == [*range(self._topics.partitions)]:
                return parts
            if time.monotonic() > until:
                raise moving()
            await self.peers.until_moved()

    async def attempts(self, repeat: str, batch: str, at: int) -> list[Attempt]:
        """What each partition knows of an idempotency id, and of its batch. Raises `Unavailable`."""
        known: list[Attempt] = []
        elsewhere: list[AttemptOf] = []
        for number in range(self._topics.partitions):
            asked = AttemptOf(number, repeat, batch, at)
            try:
                known.append(cast("Attempt", self.answering.read(asked)))
            except Elsewhere:
                elsewhere.append(asked)
        return known + await asyncio.gather(*map(self.peers.ask, elsewhere))

    async def wait_shown(self, partition: int, offset: int) -> None:
        """Waits until every read shows what stands in the log up to the offset. Raises `Unavailable`."""
        shown = False
        while not shown:
            try:
                await self.partitions.wait_shown(partition, offset)
                shown = True
            except Elsewhere:
                shown = await self.peers.ask(ShownTo(partition, offset))

    async def wait_folded(self, partition: int, offset: int) -> None:
        """Waits until the events of a partition are folded up to the offset; not for a fold that does not go on."""
        tp = TP(self._topics.events, partition)
        if self.owners.elsewhere(tp) is None:
            await self.partitions.wait_folded(partition, offset)
            return
        applied = before = NOTHING
        while applied < offset:
            with contextlib.suppress(Unavailable):
                applied = await self.peers.ask(FoldedTo(partition, offset))
            if applied == before:
                return
            before = applied


async def _all_or_none(work: Sequence[Awaitable[Part]]) -> list[Part]:
    """The results of all; where one fails, the others are cancelled and its error is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
