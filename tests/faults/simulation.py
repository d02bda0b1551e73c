"""A world in memory that a schedule drives: the real folds, relays and email index among faults.

A schedule is a list of steps, and a step a kind and a few numbers that pick who and how much. All else follows from
it, so a schedule that fails can be made smaller by leaving steps out (`tests.faults.schedules`).
"""

from collections.abc import Sequence

from projections.deletions import has_waiting
from tests.faults.at_rest import check_at_rest, published
from tests.faults.cast import (
    EMAILS,
    EVENTS,
    MAILBOXES,
    NODES,
    SOURCES,
    START_MS,
    USERS,
    Source,
)
from tests.faults.clients import Clients, Write
from tests.faults.cluster import Cluster, Node, Replica
from tests.faults.promises import Promises
from tests.faults.purging import purge
from tests.faults.rows import outbox_size
from tests.faults.steps import PLACES, WRITES, Step, some
from tests.faults.trace import Trace
from tests.faults.witness import Violation, Witness
from tests.support.memory_log import MemoryLog

_LONG = 50
_ROUNDS = 30


class World:
    """Everything there is. With a `trace` it tells what happens.

    With `together` one node at a time owns everything, as is built today. Then writes, repeats and reads with a
    position are answered when its real settlement says so, and not when the model does, which sees all nodes at once.
    """

    def __init__(self, trace: list[str] | None = None, *, together: bool = False) -> None:
        self.trace = Trace(trace)
        self.say = self.trace.say
        self.log = MemoryLog()
        self.together = together
        self.cluster = Cluster(self.log, self.say, together=together)
        self.clients = Clients(self.log, self.cluster, self.say)
        self.witness = Witness(self.log, self.clients)
        self.promises = Promises(self.log, self.cluster, self.clients, self.witness)

    def take(self, step: Step) -> None:
        """One step of a schedule."""
        kind, *numbers = step
        getattr(self, kind)(*numbers)
        self.promises.check_served()
        if self.together:
            self._read_at_positions()

    # ------------------------------------------------------------------ clients

    def write(self, a: int, b: int, c: int, d: int) -> None:
        """A client writes; the record is appended now or later."""
        kind = WRITES[a % len(WRITES)]
        user = USERS[b % len(USERS)]
        if kind == "clear":
            write = self.clients.clear(user)
        elif kind == "forget":
            write = self.clients.forget(user)
        elif kind in ("track by uid", "track by id"):
            write = self.clients.track(kind, user, c)
        else:
            write = self.clients.upsert(kind, user, MAILBOXES[b // 8 % len(MAILBOXES)], c)
        if write is not None and d % 3:
            self.clients.send(write)

    def retry(self, a: int, b: int, _c: int, _d: int) -> None:
        write = self.clients.retry(a)
        if write is not None and b % 2:
            self.clients.send(write)

    def send(self, a: int, _b: int, _c: int, _d: int) -> None:
        """A write that was held up is appended."""
        if self.clients.unsent:
            self.clients.send(self.clients.unsent[a % len(self.clients.unsent)])

    def answer(self, a: int, _b: int, _c: int, _d: int) -> None:
        if self.clients.waiting:
            self._answer(self.clients.waiting[a % len(self.clients.waiting)])

    def answer_all(self) -> None:
        """Everybody is answered who may be."""
        for write in list(self.clients.waiting):
            self._answer(write)

    # ------------------------------------------------------------------ nodes

    def fold(self, a: int, b: int, c: int, _d: int) -> None:
        """A node folds a few records."""
        replica = self.cluster.nodes[a % NODES].replicas.get(SOURCES[b % len(SOURCES)])
        if replica is not None:
            self._fold(replica, 1 + c % 3)

    def relay(self, a: int, b: int, c: int, _d: int) -> None:
        """An owner relays, and is stopped after some awaits."""
        replica = self.cluster.owner(SOURCES[a % len(SOURCES)])
        if replica is not None:
            self._relay(replica, some(b))
            if c % 12 == 0:
                replica.break_off()
                self.say("  and Kafka does not answer")

    def flow(self, a: int, _b: int, _c: int, _d: int) -> None:
        """A healthy moment: everybody folds and relays a little, and who can be answered is."""
        for source in SOURCES:
            replica = self.cluster.owner(source)
            if replica is not None:
                self._relay(replica, None)
                self._fold(replica, 5)
                for _ in range(1 + a % 3):
                    self._relay(replica, None)
        self.answer_all()

    def rebalance(self, a: int, b: int, c: int, d: int) -> None:
        """A source gets another owner; the former one hears of it, or goes on."""
        if self.together:
            self.move(SOURCES if d % 2 else (SOURCES[a % len(SOURCES)],), b, noticed=c % 2 == 1)
            return
        source = SOURCES[a % len(SOURCES)]
        former = self.cluster.owner(source)
        if former is not None and c % 2:
            for node in self.cluster.nodes:
                if node.replicas.get(source) is former:
                    self.cluster.close(node, source)
        self.cluster.assign(source, b % NODES)

    def move(self, sources: Sequence[Source], to: int, *, noticed: bool) -> None:
        """Where one node owns all: a few sources come back to it, or all go to another."""
        former = self.cluster.owned_by_all()
        number = to % NODES if len(sources) == len(SOURCES) else former.number
        for source in sources:
            if noticed:
                self.cluster.close(former, source)
            self.cluster.assign(source, number)

    def notice(self, _a: int, _b: int, _c: int, _d: int) -> None:
        """Zombies hear that they have lost their sources."""
        for node, replica in self.cluster.zombies():
            self.cluster.close(node, replica.source)

    def zombie(self, a: int, b: int, c: int, _d: int) -> None:
        """A node that has lost a source, and does not know it, goes on."""
        zombies = self.cluster.zombies()
        if zombies:
            node, replica = zombies[a % len(zombies)]
            self.say("{} is a zombie", node)
            if b % 3 == 0:
                self._fold(replica, 2)
            else:
                for _ in range(1 + b % 4):
                    self._relay(replica, some(c))

    def crash(self, a: int, b: int, c: int, d: int) -> None:
        """A node dies, perhaps with its disk, perhaps in a power cut; what it owned goes elsewhere or comes back."""
        node = self.cluster.nodes[a % NODES]
        source = SOURCES[b % len(SOURCES)]
        owned = self.cluster.owned_by(node)
        self.say("{} crashes", node)
        self.cluster.crash(node, lost=c // 4 % 2 == 0)
        if c % 4 == 0:
            self.cluster.lose(node, source)
            self.say("  and loses its state of {}", source)
        elif c % 4 == 1 and self.cluster.go_back(node, source, d):
            self.say("  and its state of {} is an older one", source)
        for lost in owned:
            self.cluster.assign(lost, (a if d % 2 else d) % NODES)

    def disaster(self, a: int, b: int, c: int, d: int) -> None:
        """An owner dies while it relays, its state is gone or old, and the log is cleaned before it is back."""
        busy = [source for source in SOURCES if self._has_outputs(source)] or SOURCES
        source = busy[a % len(busy)]
        replica = self.cluster.owner(source)
        if replica is None:
            return
        self._fold(replica, 5)
        for _ in range(b % 3):
            self._relay(replica, None)
        self._relay(replica, 1 + b // 3 % 14)
        self.crash(self._node(replica).number, SOURCES.index(source), c % 6, d)
        self.beat(0, 0, 0, 0)
        for _ in range(2):
            self.compact(SOURCES.index(source), 0, d // 2, c // 6)

    def _has_outputs(self, source: Source) -> bool:
        replica = self.cluster.owner(source)
        return replica is not None and outbox_size(replica.state) > 0

    def contest(self, a: int, b: int, c: int, d: int) -> None:
        """A source is taken over, and its former owner publishes while the new one begins."""
        source = SOURCES[a % len(SOURCES)]
        former = self.cluster.owner(source)
        if former is not None:
            self._fold(former, 5)
        if self.together:
            self.move(SOURCES, b, noticed=False)
        owner = (
            self.cluster.owner(source) if self.together else self.cluster.assign(source, b % NODES)
        )
        assert owner is not None
        self._relay(owner, 1 + c % 5)
        if former is not None and not former.dead:
            self._relay(former, some(d))
            self._relay(former, some(d // 2))
        self._relay(owner, None)

    def picture(self, a: int, _b: int, _c: int, _d: int) -> None:
        """What is on a node's disks now may be what a power cut leaves."""
        self.cluster.picture(self.cluster.nodes[a % NODES])

    # ------------------------------------------------------------------ Kafka

    def compact(self, a: int, b: int, c: int, d: int) -> None:
        """The cleaner makes a pass, or half of one."""
        place = PLACES[a % len(PLACES)]
        partition = self.log.partition(*place)
        keys_below = b // 2 % (partition.end + 1) if b % 2 else partition.end
        segments_below = c // 2 % (keys_below + 1) if c % 2 else keys_below
        partition.compact(keys_below, segments_below, self._read_by_all(place) if d % 3 == 0 else 0)
        self.say(
            "{} is compacted: keys below {}, segments below {}, left {}",
            place, keys_below, segments_below, [entry.record.offset for entry in partition.entries],
        )  # fmt: skip

    def beat(self, _a: int, _b: int, _c: int, _d: int) -> None:
        """A heartbeat lets segments roll: a record that means nothing, under a key of its own."""
        for source in SOURCES:
            self.log.append(*source, b"heartbeat", None)

    def purge(self, a: int, _b: int, _c: int, _d: int) -> None:
        """An owner looks for what it may purge."""
        replica = self.cluster.owner(EVENTS[a % len(EVENTS)])
        if replica is not None and replica.ready:
            purged = purge(self.log, replica, self.witness, START_MS + self.log.time)
            self.say("{} purges {}", self._node(replica), purged)

    def time_out(self, a: int, _b: int, _c: int, _d: int) -> None:
        """The transaction coordinator loses patience."""
        source = SOURCES[a % len(SOURCES)]
        if self.log.time_out(source.transactional_id):
            self.say("the transaction of {} times out", source)

    def late(self, a: int, _b: int, _c: int, _d: int) -> None:
        """A record arrives whose sender is long gone."""
        if self.cluster.late:
            lane = self.cluster.late[a % len(self.cluster.late)]
            self.say("late: {} in {}", lane.waiting[0][0], lane.tp)
            lane.land()
            if not lane.waiting:
                self.cluster.late.remove(lane)

    def check(self, _a: int, _b: int, _c: int, _d: int) -> None:
        self.promises.check()

    # ------------------------------------------------------------------ rest

    def come_to_rest(self) -> None:
        """Everything heals and all work is done; then the promises, and again after everything was lost."""
        self.say("--- everything heals")
        self.notice(0, 0, 0, 0)
        for source in SOURCES:
            if self.cluster.owner(source) is None:
                self.cluster.assign(source, 0)
        for write in list(self.clients.unsent):
            self.clients.send(write)
        while self.cluster.late:
            self.late(0, 0, 0, 0)
        self.work()
        self._check_at_rest()
        for thirds in (1, 2, 3):
            self._compact(thirds)
            self.promises.check()
        self._purge_all()
        self._lose_everything()
        self._check_at_rest()

    def work(self) -> None:
        """Fold, relay and answer until there is nothing left to do."""
        for _ in range(_ROUNDS):
            busy = False
            for source in SOURCES:
                replica = self.cluster.owner(source)
                assert replica is not None
                while replica.folds:
                    busy = True
                    self._fold(replica, _LONG)
                while self._relay(replica, None):
                    busy = True
            self.answer_all()
            if not busy:
                return
        raise Violation("the world does not come to rest")

    def _check_at_rest(self) -> None:
        check_at_rest(self.log, self.cluster, self.clients, self.witness, self.promises)

    def _purge_all(self) -> None:
        for number, source in enumerate(EVENTS):
            self.purge(number, 0, 0, 0)
            self.work()
            replica = self.cluster.owner(source)
            if replica is None or has_waiting(replica.state.storage):
                raise Violation("a deletion is never purged", source)

    def _lose_everything(self) -> None:
        self.say("--- all state is lost")
        ends = published(self.log)
        for node in self.cluster.nodes:
            self.cluster.crash(node)
            node.disks.clear()
        for source in SOURCES:
            self.cluster.assign(source, 0)
        self.work()
        if published(self.log) != ends:
            raise Violation("a replay publishes something again", ends, published(self.log))

    def _compact(self, thirds: int) -> None:
        """A pass over everything, of which so many thirds are done; the last also over its own tombstones."""
        self.beat(0, 0, 0, 0)
        for place in PLACES:
            partition = self.log.partition(*place)
            segments_below = partition.end * thirds // 3
            tombstones_below = self._read_by_all(place) if thirds == 3 else 0
            partition.compact(partition.end, segments_below, tombstones_below)

    def _read_by_all(self, place: Source) -> int:
        """Which tombstones the cleaner may drop: Kafka keeps them longer than a node may lag."""
        # Of the other topics nobody reads tombstones who has read what they are about.
        return self.cluster.retire(place) if place in EMAILS else self.log.partition(*place).end

    # ------------------------------------------------------------------ how it is done

    def _read_at_positions(self) -> None:
        """Reads that wait for a position, and repeats, which wait for the first attempt: all that may be answered."""
        settlement = self.cluster.settlement()
        for source in EVENTS:
            replica = self.cluster.serving(source)
            if replica is None:
                continue
            shown = [
                write.offset
                for write in self.clients.writes
                if write.partition == source.partition
                and 0 <= write.offset <= replica.state.applied
                and settlement.before(source.partition, write.offset)
            ]
            if shown:
                self.promises.check_read(source.partition, max(shown))

    def _fold(self, replica: Replica, count: int) -> None:
        if not replica.folds:
            return
        serving = self.cluster.serving(replica.source) is replica
        before = replica.state.applied
        verdicts = replica.fold(count)
        if self.trace.on:
            self.say(
                "{} folds {} {}..{}: {}",
                self._node(replica), replica.source, before + 1, replica.state.applied,
                [f"{v.offset} {v.outcome} {v.id}" for _, v in verdicts],
            )  # fmt: skip
        if serving:
            for write in self.clients.folded(verdicts):
                self._answer(write)

    def _relay(self, replica: Replica, ticks: int | None) -> bool:
        published = replica.state.published
        moved = replica.relay(ticks)
        if moved and self.trace.on:
            self.say(
                "{} relays {}: published {}..{}{}",
                self._node(replica), replica.source, published, replica.state.published,
                ", under way" if replica.busy else "",
            )  # fmt: skip
            self.trace.tell_appended(self.log, self.clients)
        return moved

    def _node(self, replica: Replica) -> Node:
        return next(n for n in self.cluster.nodes if n.replicas.get(replica.source) is replica)

    def _node_settled(self, write: Write, claim: bytes) -> bool:
        return self.cluster.settlement().settled(write.partition, claim)

    def _answer(self, write: Write) -> None:
        settled = self._node_settled if self.together else self.promises.settled
        if self.clients.answer(write, settled):
            self.promises.check_answer(write)
