"""What must hold at every moment and after every answer (design "Promises")."""

from projections import keyspace
from projections.email_index import last_claimant
from projections.outbox import Release
from projections.partition import PartitionState
from projections.profile import Profile
from projections.tracking import KEPT, Tracked
from schemas import identity
from schemas.events import EmailReleased, ProfileForgotten, decode_profile_event
from schemas.identifiers import fold_email
from schemas.identity import slot_of
from tests.faults import rows
from tests.faults.cast import EMAILS, EVENTS, MAILBOXES, SOURCES, TOPICS, Email, Source
from tests.faults.clients import Clients, Write
from tests.faults.cluster import Cluster
from tests.faults.expectation import BROWSER, Person
from tests.faults.rows import documents
from tests.faults.witness import NEVER, Violation, Witness
from tests.support.memory_log import MemoryLog


class Promises:
    """Checks, and says when a write may be answered."""

    def __init__(
        self, log: MemoryLog, cluster: Cluster, clients: Clients, witness: Witness
    ) -> None:
        self._log = log
        self._cluster = cluster
        self._clients = clients
        self._witness = witness
        self._shown: dict[Source, int] = {}

    # ------------------------------------------------------------------ answers

    def settled(self, _write: Write, claim: bytes) -> bool:
        """Whether the index has the claim, and every release of its email that is on its way is folded."""
        self._witness.read_along()
        known = self._witness.claims.get(claim)
        if known is None:
            return False
        index = self._cluster.serving(EMAILS[known.partition])
        if index is None or index.state.applied < known.offset:
            return False
        for _, row in index.state.outbox_from((0, 0)):
            assert isinstance(row, Release)
            event = decode_profile_event(row.value)
            assert isinstance(event, EmailReleased)
            if self._witness.claims[event.claim.encode()].email == known.email:
                return False
        return all(
            self._folded(release.partition, release.offset)
            for release in self._witness.releases
            if release.email == known.email
        )

    def _folded(self, partition: int, offset: int) -> bool:
        replica = self._cluster.serving(EVENTS[partition])
        return replica is not None and replica.state.applied >= offset

    def check_answer(self, write: Write) -> None:
        """After the answer every read shows the write (promises 3 and 4)."""
        self._witness.read_along()
        verdict = write.verdict
        replica = self._cluster.serving(EVENTS[write.partition])
        if not write.taken or verdict is None or verdict.id is None or replica is None:
            return
        self._must_show(EVENTS[write.partition], write.offset)
        document = self._clients.read(verdict.id)
        if write.kind == "forget":
            if document is not None:
                raise Violation("a forgotten user is readable after the answer", write)
            return
        if rows.was_forgotten(replica.state, verdict.id):
            return
        if document is None:
            raise Violation("an answered write is not readable", write)
        if write.operation and not write.tracks and write.operation not in document:
            raise Violation("an answered write is not visible", write)
        # Held by a later claim it is a later write's affair, which may not be answered yet.
        claim = rows.claim_of(replica.state, verdict.id)
        own = claim is not None and claim in (verdict.claim, *self._clients.claims_of(write))
        if own and same_email(document.get("email"), write.email):
            self._check_email_answer(write, verdict.id)

    def _check_email_answer(self, write: Write, id_: str) -> None:
        mailbox = next(box for box in MAILBOXES if same_email(box.text, write.email))
        try:
            found = self._clients.by_email(mailbox)
        except LookupError:
            return
        place = self._place(id_)
        if found is None:
            if self._last_claimed(mailbox) <= place:
                raise Violation("a read by email finds nobody after the answer", write)
            return  # a later claim has taken it, and its profile has given it up already
        if self._place(found) < place:
            raise Violation("a read by email finds an earlier holder after the answer", write)
        self._must_show(EMAILS[mailbox.partition], place)
        for holder in self._holders(mailbox):
            if holder != id_ and self._place(holder) < place:
                raise Violation("two profiles show one email after the answer", write)

    def check_read(self, partition: int, offset: int) -> None:
        """No read that waited for a position shows an email that was claimed up to there on an earlier holder too."""
        self._witness.read_along()
        replica = self._cluster.serving(EVENTS[partition])
        assert replica is not None
        for id_, profile in documents(replica.state).items():
            email = profile.document.get("email")
            claimed = self._clients.claim_offset(profile.header.claim)
            if email is None or claimed is None or claimed > offset:
                continue
            mailbox = next(box for box in MAILBOXES if same_email(box.text, email))
            place = self._place(id_)
            for holder in self._holders(mailbox):
                if holder != id_ and self._place(holder) < place:
                    raise Violation(
                        "two profiles show one email to a read that waited", id_, holder
                    )

    def _holders(self, mailbox: Email) -> list[str]:
        """All profiles that show the email to who reads them now."""
        return [
            id_
            for source in EVENTS
            if (replica := self._cluster.serving(source)) is not None
            for id_, profile in documents(replica.state).items()
            if same_email(profile.document.get("email"), mailbox.text)
        ]

    def _place(self, id_: str) -> int:
        """Where the current claim of a profile stands among the claims to its email."""
        replica = self._cluster.serving(EVENTS[slot_of(id_) % len(EVENTS)])
        claim = None if replica is None else rows.claim_of(replica.state, id_)
        known = None if claim is None else self._witness.claims.get(claim)
        return NEVER if known is None else known.offset

    def _last_claimed(self, mailbox: Email) -> int:
        """Where the claim stands that holds the email in the index; -1: none does."""
        index = self._cluster.serving(EMAILS[mailbox.partition])
        assert index is not None
        row = index.state.storage.get(keyspace.email(mailbox.hash))
        last = None if row is None else last_claimant(row)
        return -1 if last is None else self._witness.claims[last.claim].offset

    def _must_show(self, source: Source, offset: int) -> None:
        self._shown[source] = max(offset, self._shown.get(source, -1))

    def check_served(self) -> None:
        """Who serves shows at least what was answered, and so nobody who was forgotten."""
        for source, offset in self._shown.items():
            replica = self._cluster.serving(source)
            if replica is not None and replica.state.applied < offset:
                raise Violation("a node serves older data than was answered", source)

    # ------------------------------------------------------------------ at every moment

    def check(self) -> None:
        """What must hold at every moment."""
        self._witness.read_along()
        for source in EVENTS:
            self._check_expected(source)
            self._check_visible(source)
        for source in SOURCES:
            self._check_replay(source)
        self._check_published()

    def _check_expected(self, source: Source) -> None:
        """The fold of the whole log is what users should see."""
        found = documents(self._witness.truth[source.partition])
        people = self._witness.expected[source.partition].people
        if found.keys() != people.keys():
            others = found.keys() ^ people.keys()
            raise Violation("the fold has other profiles than expected", *others)
        for id_, person in people.items():
            shown, wanted = _shown(found[id_]), _expected(person)
            if shown != wanted:
                raise Violation("the fold has another document than expected", id_, shown, wanted)
            counted = _counted(self._witness.truth[source.partition].tracked(id_))
            if counted != _expected_counts(person):
                raise Violation("the fold counts other events than expected", id_, counted)

    def _check_replay(self, source: Source) -> None:
        """Promise 2: a replay of what is left of the log gives the same; so have all nodes that have read it."""
        profiles = source in EVENTS
        truth = (self._witness.truth if profiles else self._witness.index)[source.partition]
        replay = rows.profile_reader(source) if profiles else rows.email_reader(source)
        replay.apply(self._log.partition(*source).committed())
        if (different := rows.difference(truth, replay)) is not None:
            raise Violation("a replay has another state than the whole log gives", different)
        for state in self._up_to_date(source):
            if (different := rows.difference(state, replay)) is not None:
                raise Violation("a node has another state than the whole log gives", different)

    def _up_to_date(self, source: Source) -> list[PartitionState]:
        end = self._log.partition(*source).stable_end
        return [
            node.replicas[source].state
            for node in self._cluster.nodes
            if source in node.replicas and node.replicas[source].state.applied == end - 1
        ]

    def _check_visible(self, source: Source) -> None:
        """Promise 4: no read shows what was written before an answered forget."""
        replica = self._cluster.serving(source)
        answered = [
            write for write in self.answered_forgets() if write.partition == source.partition
        ]
        if replica is None or not answered:
            return
        erasing = self._witness.expected[source.partition].erasing
        forgets = [write for write in self._clients.forgets() if write.key in erasing]
        gone = {named(forget).id for forget in answered}
        for id_, profile in documents(replica.state).items():
            if id_ in gone:
                raise Violation("a forgotten user is visible again", id_)
            theirs = [f for f in forgets if named(f).user == profile.user.hex()]
            for operation in _operations(profile.document) if theirs else ():
                first = self._clients.first(operation)
                erased = next((forget for forget in theirs if forget.offset > first.offset), None)
                # What came while the forget was on its way is not in its `spent`, and may be sent again.
                if erased in answered and first.offset <= erased.known:
                    raise Violation("a write of a forgotten user is visible again", first, erased)

    def _check_published(self) -> None:
        """No transaction that begins after the answer to a forget publishes the user's document."""
        for forget in self.answered_forgets():
            key = named(forget).id.encode()
            for entry in self._log.partition(TOPICS.profiles, forget.partition).history:
                if entry.record.key != key or entry.record.value is None or not entry.committed:
                    continue
                assert entry.transaction is not None
                assert forget.answered is not None
                if entry.transaction.began > forget.answered:
                    raise Violation("a document of a forgotten user is published", forget)

    def answered_forgets(self) -> list[Write]:
        """The forgets that were answered as done, in the order of their offsets."""
        return [write for write in self._clients.forgets() if write.taken]


def named(write: Write) -> ProfileForgotten:
    """Whom a forget names."""
    assert isinstance(write.event, ProfileForgotten)
    return write.event


def same_email(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and fold_email(one) == fold_email(other)


Counts = dict[str, tuple[int, int, int, list[object]]]


def _counted(found: dict[str, Tracked]) -> Counts:
    return {
        name: (
            counter.count,
            counter.first_at,
            counter.last_at,
            [occurrence.properties["operation"] for occurrence in last],
        )
        for name, (counter, last) in found.items()
    }


def _expected_counts(person: Person) -> Counts:
    counts: Counts = {}
    for event in person.tracked:
        count, first_at, _, last = counts.get(event.name, (0, event.at, event.at, []))
        newest = [event.properties["operation"], *last][:KEPT]
        counts[event.name] = count + 1, first_at, event.at, newest
    return counts


def _operations(document: dict[str, object]) -> set[str]:
    return {name for name in document if name.startswith("operation")}


def _shown(profile: Profile) -> tuple[object, ...]:
    document, claim = profile.document, profile.header.claim
    return (
        _operations(document),
        document.get(BROWSER),
        document.get("email"),
        None if claim is None else claim.decode(),
        document["percent"],
        "last_cleared_at" in document,
    )


def _expected(person: Person) -> tuple[object, ...]:
    return (
        person.operations,
        person.browser,
        person.email,
        person.claim,
        identity.percent(person.draw),
        person.cleared,
    )
