"""What must hold when nothing is left to do."""

from collections import Counter

from projections import keyspace
from projections.email_index import decode_watermark, waiting_tombstones
from projections.profile import Profile
from schemas.identifiers import fold_email
from schemas.identity import claim_name
from tests.faults import rows
from tests.faults.cast import ACCOUNT, EMAILS, EVENTS, MAILBOXES, SOURCES, TOPICS, Source
from tests.faults.clients import Clients, Write
from tests.faults.cluster import Cluster
from tests.faults.promises import Promises, named
from tests.faults.witness import Violation, Witness
from tests.support.memory_log import MemoryLog, Record


def check_at_rest(
    log: MemoryLog, cluster: Cluster, clients: Clients, witness: Witness, promises: Promises
) -> None:
    """The promises of every moment, and those that take time."""
    promises.check()
    live = {
        id_: profile for state in witness.truth for id_, profile in rows.documents(state).items()
    }
    _check_answers(clients, witness, live)
    _check_emails(clients, live)
    _check_order_of_claims(clients, witness)
    _check_public(log, live)
    _check_event_tombstones(log, witness, live)
    _check_claim_tombstones(log, witness, live)
    for forget in promises.answered_forgets():
        _check_receipt(log, witness, forget)
    for source in SOURCES:
        replica = cluster.serving(source)
        # What has left leaves no trace, least of all of a forgotten user.
        if replica is None or rows.outbox_size(replica.state):
            raise Violation("rows are left in an outbox", source)
        if next(waiting_tombstones(replica.state.storage), None) is not None:
            raise Violation("tombstones are left in a state", source)


def published(log: MemoryLog) -> list[int]:
    """How many records each partition had, but for tombstones of ``profile-emails``, which a replay sends again."""
    places = (*SOURCES, *(Source(TOPICS.profiles, source.partition) for source in EVENTS))
    return [
        sum(
            place not in EMAILS or record.value is not None
            for record in log.partition(*place).once_committed()
        )
        for place in places
    ]


def _check_answers(clients: Clients, witness: Witness, live: dict[str, Profile]) -> None:
    """Promise 1: what was answered is there, once."""
    applied: Counter[tuple[str, str | None]] = Counter()
    for write in clients.writes:
        if write.verdict is not None and write.answered is None:
            raise Violation("a write is never answered", write)
        if not write.operation:
            continue
        expected = witness.expected[write.partition]
        whose = expected.whose[write.key]
        applied[write.operation, whose] += expected.applied.get(write.key, False)
        if not write.taken:
            continue
        if whose is None:
            raise Violation("an answered write met no profile", write)
        if write.tracks:
            continue  # a later clear may have hidden it: `Promises` holds what is counted against the model
        if whose in live and write.operation not in live[whose].document:
            raise Violation("an answered write is lost", write)
    twice = [operation for (operation, _), count in applied.items() if count > 1]
    if twice:
        raise Violation("a write is applied twice", *twice)


def _check_emails(clients: Clients, live: dict[str, Profile]) -> None:
    """Promise 3: one email, one holder, and the index leads there."""
    holders: dict[str, list[str]] = {}
    for id_, profile in live.items():
        email = profile.document.get("email")
        if email is not None:
            holders.setdefault(fold_email(email), []).append(id_)
    for mailbox in MAILBOXES:
        there = holders.get(mailbox.text, [])
        if len(there) > 1:
            raise Violation("two profiles hold one email", *there)
        if clients.by_email(mailbox) != (there[0] if there else None):
            raise Violation("the index does not lead to the holder", mailbox.text)


def _check_order_of_claims(clients: Clients, witness: Witness) -> None:
    """Of two writes, one answered before the other began, the later one keeps the email."""
    claimants: dict[str, Write] = {write.claim.decode(): write for write in clients.writes}
    for release in witness.releases:
        winner = claimants[release.event.by]
        loser = claimants[release.event.claim]
        if winner.answered is not None and winner.answered < loser.started:
            raise Violation("an earlier write takes the email from a later one", winner, loser)


def _check_public(log: MemoryLog, live: dict[str, Profile]) -> None:
    """The public topic is the live state."""
    published: dict[str, bytes | None] = {}
    for partition in range(len(EVENTS)):
        for _, key, value in log.partition(TOPICS.profiles, partition).committed():
            published[key.decode()] = value
    there = {id_: value for id_, value in published.items() if value is not None}
    if there.keys() != live.keys():
        raise Violation("`profiles` has other profiles", *(there.keys() ^ live.keys()))
    for id_, profile in live.items():
        if not there[id_].startswith(b'{"profile":%b,"event"' % profile.json):
            raise Violation("`profiles` has another document", id_)


def _check_event_tombstones(log: MemoryLog, witness: Witness, live: dict[str, Profile]) -> None:
    """Every name is accounted for: what is no live profile's can be removed, and nothing else is."""
    for source in EVENTS:
        whose = witness.expected[source.partition].whose
        for record, named_later in _named_later(log, *source):
            if record.key not in whose:
                if named_later:
                    raise Violation("a forget has a tombstone", source, record.offset)
            elif whose[record.key] not in live and not named_later:
                raise Violation(
                    "a record of a forgotten user has no tombstone", source, record.offset
                )
            elif whose[record.key] in live and named_later:
                raise Violation("a record of a live profile is erased", source, record.offset)


def _check_receipt(log: MemoryLog, witness: Witness, forget: Write) -> None:
    """A receipt survives, and says that the tombstones have left when they have."""
    truth, deletion = witness.truth[forget.partition], named(forget).deletion
    receipt = truth.receipt(deletion, ACCOUNT)
    if receipt is None:
        raise Violation("a receipt is lost", forget)
    said = truth.tombstoned(deletion)
    if said is None or said.at != witness.expected[forget.partition].tombstoned[deletion]:
        raise Violation("a receipt does not say when its tombstones left", forget)
    purged = truth.purged(deletion)
    if (purged and purged.at) != witness.expected[forget.partition].purged.get(deletion):
        raise Violation("a receipt does not say when it was purged first", forget)
    records = list(log.partition(TOPICS.events, forget.partition).once_committed())
    erased = {record.key for record in records if record.offset in receipt.erased}
    for record in records:
        if record.value is None:
            erased.discard(record.key)
        elif deletion.encode() in record.value and b'"deletion-tombstoned"' in record.value:
            break
    if erased:
        raise Violation("a receipt says too early that its tombstones left", forget)


def _check_claim_tombstones(log: MemoryLog, witness: Witness, live: dict[str, Profile]) -> None:
    """What counts has no tombstone: current claims, once, and withdrawals that stand for a watermark."""
    current = {profile.header.claim for profile in live.values()}
    for source in EMAILS:
        storage = witness.index[source.partition].storage
        marks = {
            decode_watermark(row).withdrawal
            for _, row in storage.scan(*keyspace.bounds(keyspace.WATERMARKS))
        }
        for record, named_later in _named_later(log, *source):
            claim = storage.get(keyspace.claim(claim_name(record.key)))
            counts = record.key in marks or (
                claim is not None and keyspace.claim_record(claim) == record.key
            )
            if counts == named_later:
                raise Violation("a record counts or has a tombstone", source, record.offset)
            if claim is not None and claim_name(record.key) not in current:
                raise Violation("a claim is not either current or withdrawn", source, record.offset)


def _named_later(log: MemoryLog, topic: str, partition: int) -> list[tuple[Record, bool]]:
    """Each record that was ever committed, and whether a tombstone behind it names it."""
    named: set[bytes] = set()
    found: list[tuple[Record, bool]] = []
    for record in reversed(list(log.partition(topic, partition).once_committed())):
        if record.value is None:
            named.add(record.key)
        else:
            found.append((record, record.key in named))
    return found
