"""The fold: what an event makes of a partition's state (design "Folding and relay", "Erasure").

Pure: no clock, no random, no I/O but the rows it is given, so that a replay gives the same bytes. The outputs of
an event are rows of the outbox, in the order in which they must leave.

The rules that the protocol rests on, each searched for faults with an executable model:

1. Every record folded onto a profile leaves its key in its history, duplicates and releases too, and beside it the
   old values of what it changed. A record that meets no profile gets its tombstone at once. So a later forget can
   name every record of the user.
2. A fold that changes an email gives the old claim up and makes a new one. Nothing else claims.
3. A release takes the email only if it names the profile's current claim.
4. A forget erases the profile that it names *and* whatever profile its user has, remembers the profile id (a
   second forget of it does nothing) and the idempotency ids of the user's last day (refused afterwards), and leaves
   a receipt even when it finds nobody.
5. A deletion and a late record, one that a forget was too early to name, wait to be purged until
   it was seen that no byte of them is left (`streams.erasure`).
6. An event whose idempotency id was there before, on its profile within a day, changes nothing.
7. Nobody joins a company after the record that says in this partition that it is gone; a member leaves by a
   record of its own.
8. A record that an operator has set aside, because it cannot be folded, is passed over like one that meets no
   profile: it gets its tombstone, or nobody whom it is about could be forgotten.
"""

import struct
from typing import Any, Final, Literal, NamedTuple

import msgspec

from projections import history, keyspace, memberships, outbox, repeats, tracking
from projections.batches import Batch
from projections.batches import encode as encode_batch
from projections.deletions import close_deletion, open_deletion
from projections.history import NOT_THERE, HistoryType
from projections.profile import CLEARED, Document, Header, Profile
from projections.receipts import Receipt, Tombstoned, encode_tombstoned
from projections.working_set import WorkingSet
from schemas import identity
from schemas.events import (
    ENCODER,
    BatchOpened,
    BatchReceived,
    CompanyGone,
    CompanyLeft,
    DeletionPurged,
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
    EventTracked,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    ProfileUpserted,
    encode,
)
from schemas.identifiers import fold_email
from schemas.identity import Identity
from schemas.timestamps import format_timestamp

Outcome = Literal["created", "updated", "duplicate", "spent", "missing", "too_large", "done"]

# A public record holds the document and the names that changed, and must fit a record of the log (4 MiB).
MAX_DOCUMENT_BYTES: Final = 3 << 19


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the fold did with an event.

    `id` is the profile's; `claim` its current email claim, where the event speaks of the email; `made` the claim
    that the event made, if its outputs have still to leave; `lost` the claim that a release was about.
    """

    outcome: Outcome
    offset: int
    id: str | None = None
    claim: bytes | None = None
    made: bytes | None = None
    lost: bytes | None = None


class PassedOver(NamedTuple):
    """In place of the event of a record that was set aside (rule 8)."""


PASSED_OVER: Final = PassedOver()

_time: Final = struct.Struct(">Q")


class Fold:
    """Folds the events of one partition; see the module for its rules."""

    def __init__(self, identity_: Identity) -> None:
        self._identity = identity_

    def user(self, event: ProfileEvent) -> bytes | None:
        """The keyed hash of the user that an event addresses by uid."""
        if not isinstance(event, ProfileUpserted | EventTracked):
            return None
        if event.id is None and event.uid is not None:
            return self._identity.uid_hash(event.account, event.uid)
        return None

    def evolve(
        self,
        state: WorkingSet,
        event: ProfileEvent | PassedOver,
        key: bytes,
        offset: int,
        user: bytes | None,
        size: int,
    ) -> Verdict:
        """Apply one event of `size` bytes; `user` is what `user()` said of it."""
        match event:
            case ProfileUpserted():
                return self._upserted(state, event, key, offset, user, size)
            case EventTracked():
                return self._tracked(state, event, key, offset, user)
            case ProfileCleared():
                return self._cleared(state, event, key, offset)
            case EmailReleased():
                return self._released(state, event, key, offset)
            case ProfileForgotten():
                return self._forgotten(state, event, offset)
            case DeletionTombstoned():
                if state.get(keyspace.tombstoned(event.id)) is None:
                    row = encode_tombstoned(Tombstoned(event.at, event.events))
                    state.put(keyspace.tombstoned(event.id), row)
                return Verdict("done", offset, event.id)
            case DeletionPurged():
                close_deletion(state, event)
                return Verdict("done", offset, event.id)
            case BatchOpened():
                repeats.open_batch(state, event)
                return Verdict("done", offset, event.id)
            case CompanyLeft():
                return _left(state, event, key, offset)
            case CompanyGone():
                state.put_gone(event.company)
                return Verdict("done", offset)
            case BatchReceived():
                state.put(keyspace.batch(event.id), encode_batch(Batch.of(event)))
                return Verdict("done", offset, event.id)
            case PassedOver():
                return _orphan(state, key, offset, None)

    def _upserted(
        self,
        state: WorkingSet,
        event: ProfileUpserted,
        key: bytes,
        offset: int,
        user: bytes | None,
        size: int,
    ) -> Verdict:
        profile = _addressed(state, event, key, offset, user)
        if isinstance(profile, Verdict):
            return profile
        created = profile is None
        held = 0 if profile is None else len(profile.json)
        if held + size > MAX_DOCUMENT_BYTES and not _fits(profile, event):
            if profile is None:
                _orphan(state, key, offset, None, user=user)
                return Verdict("too_large", offset)
            history.remember(state, profile, key, offset, HistoryType.REFUSED, event.at)
            return Verdict("too_large", offset, profile.id)
        if profile is None:
            assert user is not None
            profile = _create(state, event, key, offset, user, HistoryType.UPSERTED)
        if event.idempotency is not None:
            repeats.remember(state, profile.id, event, offset, created=created)
        before = profile.header.claim
        changed = self._merge(state, profile, event, key, offset)
        if not created:
            history.remember(state, profile, key, offset, HistoryType.UPSERTED, event.at, changed)
        if state.publishes(offset):
            _publish(state, profile, "profile-upserted", key, offset, event.at, [*changed])
        outcome = "created" if created else "updated"
        claim = profile.header.claim
        if claim is None or "email" not in event.properties:
            return Verdict(outcome, offset, profile.id)
        made = claim if claim != before and state.publishes(offset) else None
        return Verdict(outcome, offset, profile.id, claim, made)

    def _merge(
        self, state: WorkingSet, profile: Profile, event: ProfileUpserted, key: bytes, offset: int
    ) -> Document:
        """Change the document; returns the old value of each name that changed, for its history."""
        document = profile.document
        before = document.get("email")
        changed: Document = {}
        for name, value in event.properties.items():
            old = document.get(name, NOT_THERE)
            if name == "company_id" and memberships.joins_none(state, profile, value):
                if document.pop(name, None) is not None:
                    changed[name] = old
            elif old is NOT_THERE or old != value or not _same(old, value):
                document[name] = value
                changed[name] = old
        for name in event.unset:
            if name in document:
                changed.setdefault(name, document.pop(name))
        if event.uid is not None and type(event.uid) is not type(document["uid"]):
            changed["uid"] = document["uid"]
            document["uid"] = event.uid
        document["updated_at"] = format_timestamp(event.at)
        company = document.get("company_id")
        if company != profile.header.company:
            memberships.move(state, profile, company)
        profile.header.version = offset
        profile.changed()
        if "email" in changed:
            self._claim(state, profile, before, event, key, offset)
        state.save(profile)
        return changed

    def _claim(
        self,
        state: WorkingSet,
        profile: Profile,
        before: str | None,
        event: ProfileUpserted,
        key: bytes,
        offset: int,
    ) -> None:
        """Rule 2: give the old claim up, make a new one."""
        after = profile.document.get("email")
        if before is not None and after is not None and fold_email(before) == fold_email(after):
            return
        self._give_up(state, profile, before, offset)
        if after is None:
            return
        claim = identity.claim_key(key)
        email = self._identity.email_hash(event.account, after)
        profile.header.claim = claim
        if state.publishes(offset):
            value = encode(EmailClaimed(event.account, event.at, email.hex(), profile.id))
            partition = self._identity.partition_of_hash(email)
            state.emit(offset, outbox.Claim(partition, claim, value))

    def _give_up(
        self, state: WorkingSet, profile: Profile, email: str | None, offset: int
    ) -> list[tuple[int, bytes]]:
        """Withdraw the profile's claim; returns its key, where there is one, and in which partitions it may be."""
        claim = profile.header.claim
        if claim is None or email is None:
            return []
        # Where the claim was made under a former hash, it stands in the partition of that one.
        hashes = self._identity.email_hashes(profile.header.account, email)
        partitions = dict.fromkeys(map(self._identity.partition_of_hash, hashes))
        for partition in partitions:
            state.emit(offset, outbox.ClaimTombstone(partition, claim))
        profile.header.claim = None
        return [(partition, claim) for partition in partitions]

    def _tracked(
        self, state: WorkingSet, event: EventTracked, key: bytes, offset: int, user: bytes | None
    ) -> Verdict:
        """A tracked event is no part of the document, so all that is published of it is a profile that it creates."""
        profile = _addressed(state, event, key, offset, user)
        if isinstance(profile, Verdict):
            return profile
        created = profile is None
        if profile is None:
            assert user is not None
            profile = _create(state, event, key, offset, user, HistoryType.TRACKED)
            _publish(state, profile, "event-tracked", key, offset, event.at, [])
        else:
            history.remember(state, profile, key, offset, HistoryType.TRACKED, event.at)
        if event.idempotency is not None:
            repeats.remember(state, profile.id, event, offset, created=created)
        name = self._identity.name_hash(event.account, event.name)
        tracking.track(state, profile.id, event, name, key)
        state.note(profile)
        return Verdict("created" if created else "updated", offset, profile.id)

    def _cleared(
        self, state: WorkingSet, event: ProfileCleared, key: bytes, offset: int
    ) -> Verdict:
        profile = state.profile_by_id(event.id)
        if profile is None:
            return _orphan(state, key, offset, event.id)
        tracking.erase(state, profile.id)
        document = profile.document
        changed = [name for name in CLEARED if document.get(name) is not None]
        old = {
            name: document.get(name, NOT_THERE)
            for name in (*CLEARED, "percent", "last_cleared_at")
            if document.get(name, NOT_THERE) is not None
        }
        history.remember(state, profile, key, offset, HistoryType.CLEARED, event.at, old)
        document.update(dict.fromkeys(CLEARED))
        document["percent"] = identity.percent(key)
        document["last_cleared_at"] = document["updated_at"] = format_timestamp(event.at)
        profile.header.version = offset
        profile.changed()
        state.save(profile)
        changed += ["percent", "last_cleared_at"]
        _publish(state, profile, "profile-cleared", key, offset, event.at, changed)
        return Verdict("updated", offset, profile.id)

    def _released(
        self, state: WorkingSet, event: EmailReleased, key: bytes, offset: int
    ) -> Verdict:
        lost = event.claim.encode()
        profile = state.profile_by_id(event.id)
        if profile is None:
            return _orphan(state, key, offset, event.id, lost=lost)
        takes = profile.header.claim == lost
        old = {"email": profile.document["email"]} if takes else None
        history.remember(state, profile, key, offset, HistoryType.RELEASED, event.at, old)
        if not takes:
            return Verdict("done", offset, profile.id, lost=lost)
        self._give_up(state, profile, profile.document["email"], offset)
        profile.document["email"] = None
        profile.document["updated_at"] = format_timestamp(event.at)
        profile.header.version = offset
        profile.changed()
        state.save(profile)
        _publish(state, profile, "profile-email-released", key, offset, event.at, ["email"])
        return Verdict("updated", offset, profile.id, lost=lost)

    def _forgotten(self, state: WorkingSet, event: ProfileForgotten, offset: int) -> Verdict:
        """Rule 4. Rows leave in the order: claim tombstones, nulls in `profiles`, event tombstones."""
        if state.get(keyspace.forgotten(event.id)) is not None:
            return Verdict("missing", offset, event.id)
        user = bytes.fromhex(event.user)
        found = filter(None, [state.profile_by_id(event.id), state.profile(user)])
        profiles = {profile.id: profile for profile in found}
        records: list[tuple[int, bytes]] = []
        claims: list[tuple[int, bytes]] = []
        for profile in profiles.values():
            claims += self._give_up(state, profile, profile.document.get("email"), offset)
            memberships.move(state, profile, None)
            records += history.take(state, profile)
            repeats.forget(state, profile.id)
            tracking.erase(state, profile.id)
            state.erase(profile)
        ids = list(dict.fromkeys([event.id, *profiles]))
        for id_ in ids:
            state.emit(offset, outbox.PublicDocument(id_, None, event.account))
        # The newest first: until the record that creates the profile is gone, a replay finds it and names the rest.
        for _, record in reversed(records):
            state.emit(offset, outbox.EventTombstone(record))
        state.put(keyspace.forgotten(event.id), _time.pack(offset))
        for repeat in event.spent:
            repeats.refuse(state, repeat, event.at)
        receipt = Receipt.of(event, offset, [place for place, _ in records])
        state.emit(offset, outbox.Erased(event.account, event.deletion, receipt.events))
        open_deletion(state, event, receipt, ids, claims)
        return Verdict("done", offset, event.id)


def _left(state: WorkingSet, event: CompanyLeft, key: bytes, offset: int) -> Verdict:
    """Rule 7: the member of a company that is gone leaves it, unless it has moved meanwhile."""
    profile = state.profile_by_id(event.id)
    if profile is None:
        return _orphan(state, key, offset, event.id)
    leaves = profile.header.company == event.company
    old = {"company_id": event.company} if leaves else None
    history.remember(state, profile, key, offset, HistoryType.LEFT, event.at, old)
    if not leaves:
        return Verdict("done", offset, profile.id)
    memberships.move(state, profile, None)
    del profile.document["company_id"]
    profile.document["updated_at"] = format_timestamp(event.at)
    profile.header.version = offset
    profile.changed()
    state.save(profile)
    _publish(state, profile, "profile-company-left", key, offset, event.at, ["company_id"])
    return Verdict("updated", offset, profile.id)


def _fits(profile: Profile | None, event: ProfileUpserted) -> bool:
    """Whether the document stays within its limit."""
    merged = {**(profile.document if profile else {}), **event.properties}
    for name in event.unset:
        merged.pop(name, None)
    return len(ENCODER.encode(merged)) <= MAX_DOCUMENT_BYTES


def _create(
    state: WorkingSet,
    event: ProfileUpserted | EventTracked,
    key: bytes,
    offset: int,
    user: bytes,
    kind: int,
) -> Profile:
    id_ = identity.profile_id(user[0] << 8 | user[1], key)
    at = format_timestamp(event.at)
    document: dict[str, Any] = {
        "id": id_,
        "uid": event.uid,
        "created_at": at,
        "updated_at": at,
        "percent": identity.percent(key),
    }
    header = Header(event.account, id_, offset, offset, history.creation(key, kind, event.at))
    profile = Profile(user, header, document)
    state.add(profile)
    return profile


def _orphan(
    state: WorkingSet,
    key: bytes,
    offset: int,
    id_: str | None,
    *,
    user: bytes | None = None,
    lost: bytes | None = None,
) -> Verdict:
    """Rules 1 and 5: the record meets no profile, so no forget will ever name it."""
    state.emit(offset, outbox.EventTombstone(key))
    whose = user if id_ is None else bytes.fromhex(id_)
    state.put_waiting(keyspace.late(offset), whose or b"")
    return Verdict("missing", offset, id_, lost=lost)


def _addressed(
    state: WorkingSet,
    event: ProfileUpserted | EventTracked,
    key: bytes,
    offset: int,
    user: bytes | None,
) -> Profile | Verdict | None:
    """The profile that an event is about, None for one to be created; or the verdict that it changes nothing."""
    if user is not None:
        profile = state.profile(user)
    else:
        profile = None if event.id is None else state.profile_by_id(event.id)
        if profile is None:
            return _orphan(state, key, offset, event.id)
    if event.idempotency is not None:
        repeated = _repeated(state, profile, event, event.idempotency, key, offset, user)
        if repeated is not None:
            return repeated
    return profile


def _repeated(
    state: WorkingSet,
    profile: Profile | None,
    event: ProfileUpserted | EventTracked,
    repeat: str,
    key: bytes,
    offset: int,
    user: bytes | None,
) -> Verdict | None:
    """Rule 6, and what rule 4 refuses: the verdict of a repeat; None for a first attempt."""
    if repeats.is_spent(state, repeat, event.at):
        _orphan(state, key, offset, event.id if user is None else None, user=user)
        return Verdict("spent", offset)
    if profile is None or not repeats.is_repeated(state, profile.id, repeat, event.at):
        return None
    tracks = isinstance(event, EventTracked)
    kind = HistoryType.TRACKED_DUPLICATE if tracks else HistoryType.DUPLICATE
    history.remember(state, profile, key, offset, kind, event.at)
    # The first attempt's claim may still be on its way, and this answer shows the email too.
    speaks = "email" in event.properties
    return Verdict("duplicate", offset, profile.id, profile.header.claim if speaks else None)


def _publish(
    state: WorkingSet,
    profile: Profile,
    kind: str,
    key: bytes,
    offset: int,
    at: int,
    changed: list[str],
) -> None:
    """The public document, as ``profiles`` has it (contract §13)."""
    value = b'{"profile":%b,"event":{"type":"%b","id":"%b","at":"%b"},"changed":%b}' % (
        profile.json,
        kind.encode(),
        key,
        format_timestamp(at).encode(),
        ENCODER.encode(changed),
    )
    state.emit(offset, outbox.PublicDocument(profile.id, value, profile.header.account))


def _same(old: object, new: object) -> bool:
    """Equal as JSON, of values that Python calls equal: 1, 1.0 and true are three."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict | list):
        return msgspec.json.encode(old) == msgspec.json.encode(new)
    return old == new
