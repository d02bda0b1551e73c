"""Nodes that fold and relay: the real states and relays, on disks and a log in memory.

A node that did not hear of a rebalance goes on as if nothing had happened, until it is told. What a relay was doing
when its process died is cut where it was; plain appends that it had handed to the network may arrive later.
"""

from collections.abc import Coroutine, Sequence
from typing import Protocol

from projections.email_index import EmailState
from projections.fold.verdict import Verdict
from projections.profiles import ProfileState
from schemas.errors import Unavailable
from streams.log.transactions import Publication, PublicationFailed
from streams.partition.catching_up import Goal
from streams.partition.claim_sender import ClaimSender
from streams.partition.email_relay import EmailRelay
from streams.partition.progress import source_key
from streams.partition.relay import Relay
from streams.partition.settlement import Settlement
from tests.faults.cast import EMAILS, EVENTS, IDENTITY, NODES, SOURCES, TOPICS, Source
from tests.faults.lane import Lane
from tests.faults.rows import applied
from tests.support.hand_loop import Activity, pause
from tests.support.memory_log import Fenced, MemoryLog
from tests.support.memory_storage import MemoryStorage, Snapshot


class Say(Protocol):
    """Tells what happens to who reads the trace of a schedule, in `str.format`'s way."""

    def __call__(self, text: str, *facts: object) -> None: ...


class Process:
    """What a relay needs of its process: a `Publisher` (`streams.partition.relay`) and appends.

    `broken`: there is no Kafka. `loses` so many of the next appends.
    """

    def __init__(self, log: MemoryLog, source: Source) -> None:
        self.lanes: dict[tuple[str, int], Lane] = {}
        self.broken = False
        self.loses = 0
        self._log = log
        self._source = source
        self._epoch: int | None = None

    async def init(self) -> None:
        self._epoch = None
        await self._answer()
        self._epoch = self._log.init(self._source.transactional_id)
        await self._answer()

    async def publish(self, records: Sequence[Publication]) -> None:
        id_, epoch = self._source.transactional_id, self._epoch
        if epoch is None:
            raise PublicationFailed("not initialized")
        try:
            self._log.begin(id_, epoch)
            for record in records:
                await self._answer()
                self._log.send(id_, epoch, record[:4])
            await self._answer()
            self._log.commit(id_, epoch)
        except Fenced:
            raise PublicationFailed("fenced") from None
        await self._answer()

    async def read_progress(self) -> int | None:
        await self._answer()
        partition = TOPICS.progress_partition(*self._source)
        key = source_key(*self._source)
        found: int | None = None
        for record in self._log.partition(TOPICS.progress, partition).committed():
            if record.key == key and record.value is not None:
                found = int(record.value)
        return found

    async def append(self, topic: str, partition: int, key: bytes, value: bytes | None) -> int:
        lane = self.lanes.get((topic, partition))
        if lane is None:
            lane = self.lanes[topic, partition] = Lane(self._log, topic, partition)
        number = lane.put(key, value)
        if self.loses:
            self.loses -= 1
            lane.drop()
            raise Unavailable("Kafka did not take the write in time: it may still arrive")
        await pause()
        if self.broken:
            raise Unavailable("Kafka did not take the write in time: it may still arrive")
        return lane.land(number)

    async def append_in_order(
        self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]
    ) -> int:
        """One request. Kafka takes it whole; here a part may arrive, as of several requests."""
        last = -1
        for key, value in records:
            last = await self.append(topic, partition, key, value)
        return last

    async def _answer(self) -> None:
        await pause()
        if self.broken:
            raise PublicationFailed("Kafka did not answer")


class Replica:
    """One source on one node, from its assignment until the node dies or notices that it lost it."""

    def __init__(
        self,
        log: MemoryLog,
        source: Source,
        storage: MemoryStorage,
        generation: int,
        settlement: Settlement,
    ) -> None:
        self.source = source
        self.generation = generation
        self._settlement = settlement
        self.state: ProfileState | EmailState = (
            ProfileState(storage, source.origin, IDENTITY)
            if source in EVENTS
            else EmailState(storage, source.origin)
        )
        self.process = Process(log, source)
        self.taken = False
        self.dead = False
        self._log = log
        self._relay = self._make_relay()
        self._partition = log.partition(*source)
        self._goal = Goal(self._partition.end, self.state.holes)
        self._caught_up = False
        self._started = False
        self._activity: Activity | None = None
        self.state.check_end(self._partition.end)

    def _make_relay(self) -> Relay:
        process, state = self.process, self.state
        if isinstance(state, EmailState):
            return EmailRelay(
                state, TOPICS, IDENTITY, process, process.append, process.append_in_order
            )
        claims = ClaimSender(state, TOPICS.emails, process.append_in_order)
        return Relay(state, self.source.topic, TOPICS, IDENTITY, process, process.append, claims)

    @property
    def profiles(self) -> ProfileState:
        assert isinstance(self.state, ProfileState)
        return self.state

    @property
    def emails(self) -> EmailState:
        assert isinstance(self.state, EmailState)
        return self.state

    @property
    def ready(self) -> bool:
        """Whether it has caught up with the log's end at its assignment."""
        return self.taken and self._caught_up

    @property
    def busy(self) -> bool:
        """Whether a relay step is under way."""
        return self._activity is not None

    def fold(self, count: int) -> list[tuple[bytes, Verdict]]:
        """Fold the next records; returns (key, verdict) of those in ``profile-events``."""
        records = self._partition.read(self.state.applied + 1, count)
        verdicts: list[tuple[bytes, Verdict]] = []
        if isinstance(self.state, ProfileState):
            verdicts = self.state.apply(records)
            for _, verdict in verdicts:
                if verdict.made is not None:
                    self._settlement.made(verdict.made, self.source.partition, verdict.offset)
                if verdict.lost is not None:
                    self._settlement.released(verdict.lost)
        else:
            for claim, lost, is_known in self.state.apply(records):
                self._settlement.folded(self.source.partition, claim, lost, is_known=is_known)
        if len(records) < count:
            self.state.advance(self._partition.stable_end - 1)
        self._settlement.folded_to(self.state)
        self._catch_up()
        return verdicts

    def _catch_up(self) -> None:
        if self._goal.is_reached(self.state) and self._goal.has_moved(self.state):
            self._goal = Goal(self._partition.end, self.state.holes)
        self._caught_up |= self._goal.is_reached(self.state)

    @property
    def folds(self) -> bool:
        """Whether there is something to fold."""
        return self.taken and self.state.applied + 1 < self._partition.stable_end

    def relay(self, ticks: int | None = None) -> bool:
        """Go on with what the relay does, or with the next that it has to do; False when that is nothing."""
        if self._activity is None:
            if self._started and not self.ready:
                return False
            self._activity = Activity(self._next(ticks))
        if not self._activity.advance(ticks):
            return True
        activity, self._activity = self._activity, None
        try:
            return bool(activity.result())
        except (PublicationFailed, Unavailable):
            self._started = False
            return True

    def _next(self, ticks: int | None) -> Coroutine[None, None, bool]:
        if not self._started:
            return self._start()
        if ticks is not None and ticks % 3 == 0:
            return self._send_claims()
        return self._relay.step()

    async def _send_claims(self) -> bool:
        """The relay's other task: claims go ahead of all else."""
        await self._relay.send_claims(self._relay.applied)
        return False

    def break_off(self) -> None:
        """Kafka does not answer what the relay waits for, and it starts again."""
        if self._activity is not None:
            self.process.broken = True
            self.relay()
            self.process.broken = False

    def die(self) -> list[Lane]:
        """The process is gone; returns what it had handed to the network."""
        self.dead = True
        if self._activity is not None:
            self._activity.abandon()
            self._activity = None
        return [lane for lane in self.process.lanes.values() if lane.waiting]

    async def _start(self) -> bool:
        await self._relay.start(self.process.read_progress)
        self._started = True
        if not self.taken:
            self.taken = True
            self._settlement.acquire(self.state, self.ends_of_outputs())
            self._catch_up()
        return True

    def ends_of_outputs(self) -> dict[int, int]:
        """Where the partitions end that its claims, or its releases, go to."""
        fed = EMAILS if self.source in EVENTS else EVENTS
        return {source.partition: self._log.partition(*source).end for source in fed}


class Node:
    """A machine: its disks, older pictures of them, and what it believes to own.

    `settlement` is what its process remembers, so a crash begins it anew.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.settlement = Settlement()
        self.disks: dict[Source, MemoryStorage] = {}
        self.pictures: dict[Source, list[Snapshot]] = {}
        self.replicas: dict[Source, Replica] = {}

    def __str__(self) -> str:
        return f"node {self.number}"


class Cluster:
    """The nodes and who owns what. `together`: one node owns all, whichever it is at the moment."""

    def __init__(self, log: MemoryLog, say: Say, *, together: bool = False) -> None:
        self.nodes = [Node(number) for number in range(NODES)]
        self.late: list[Lane] = []
        self._log = log
        self._say = say
        self._owners: dict[Source, tuple[int, int]] = {}
        for number, source in enumerate(SOURCES):
            self.assign(source, 0 if together else number % NODES)

    def owner(self, source: Source) -> Replica | None:
        """The replica that owns the source; None when its node does not know."""
        number, generation = self._owners[source]
        replica = self.nodes[number].replicas.get(source)
        return replica if replica is not None and replica.generation == generation else None

    def owns(self, replica: Replica) -> bool:
        return self.owner(replica.source) is replica

    def serving(self, source: Source) -> Replica | None:
        """The replica that answers reads: the owner, under its lease, once it is caught up."""
        replica = self.owner(source)
        return replica if replica is not None and replica.ready else None

    def zombies(self) -> list[tuple[Node, Replica]]:
        return [
            (node, replica)
            for node in self.nodes
            for replica in node.replicas.values()
            if not self.owns(replica)
        ]

    def assign(self, source: Source, number: int) -> Replica:
        """The source goes to a node. Its former owner is not told."""
        generation = self._owners[source][1] + 1 if source in self._owners else 0
        self._owners[source] = number, generation
        node = self.nodes[number]
        self.close(node, source)
        storage = node.disks.setdefault(source, MemoryStorage())
        replica = node.replicas[source] = Replica(
            self._log, source, storage, generation, node.settlement
        )
        self._say("{} gets {}, applied {}", node, source, replica.state.applied)
        return replica

    def close(self, node: Node, source: Source) -> None:
        """The node's process for the source ends, wherever it is."""
        replica = node.replicas.pop(source, None)
        if replica is not None:
            self.late += replica.die()

    def owned_by_all(self) -> Node:
        """The node that owns everything, where one does."""
        return self.nodes[self._owners[SOURCES[0]][0]]

    def settlement(self) -> Settlement:
        """What the process of that node knows."""
        return self.owned_by_all().settlement

    def owned_by(self, node: Node) -> list[Source]:
        return [source for source in SOURCES if self._owners[source][0] == node.number]

    def crash(self, node: Node, *, lost: bool = False) -> None:
        """The node's processes die; `lost`: what they had handed to the network never arrives."""
        late = list(self.late)
        for source in list(node.replicas):
            self.close(node, source)
        node.settlement = Settlement()
        if lost:
            self.late = late

    def picture(self, node: Node) -> None:
        """What a power cut may bring back."""
        for source, storage in node.disks.items():
            self.pictures_of(node, source).append(storage.snapshot())

    def retire(self, source: Source) -> int:
        """A node throws state away that is older than the tombstones that are still to be read.

        Returns the offset below which everybody has read.
        """
        running = [
            node.replicas[source].state.applied + 1
            for node in self.nodes
            if source in node.replicas
        ]
        read = min(running, default=self._log.partition(*source).end)
        for node in self.nodes:
            pictures = self.pictures_of(node, source)
            pictures[:] = [picture for picture in pictures if applied(picture) + 1 >= read]
            disk = None if source in node.replicas else node.disks.get(source)
            if disk is not None and applied(disk.snapshot()) + 1 < read:
                self.lose(node, source)
        return read

    def lose(self, node: Node, source: Source) -> None:
        node.disks.pop(source, None)

    def go_back(self, node: Node, source: Source, number: int) -> bool:
        """After a power cut: state, outbox and offset go back together. False without an older picture."""
        pictures = self.pictures_of(node, source)
        if not pictures or source not in node.disks:
            return False
        node.disks[source].restore(pictures[number % len(pictures)])
        return True

    @staticmethod
    def pictures_of(node: Node, source: Source) -> list[Snapshot]:
        return node.pictures.setdefault(source, [])
