"""The fold: what an event makes of a partition's state (design "Folding and relay", "Erasure").

Pure: no clock, no random, no I/O but the rows it is given, so that a replay gives the same bytes. The outputs of
an event are rows of the outbox, in the order in which they must leave.

The rules that the protocol rests on, each searched for faults with an executable model:

1. Every record folded onto a profile leaves its key in a history row, duplicates and releases too. A record that
   meets no profile gets its tombstone at once. So a later forget can name every record of the user.
2. A fold that changes an email gives the old claim up and makes a new one. Nothing else claims.
3. A release takes the email only if it names the profile's current claim.
4. A forget erases the profile that it names *and* whatever profile its user has, remembers the profile id (a
   second forget of it does nothing) and the idempotency ids of the user's last day (refused afterwards), and leaves
   a receipt even when it finds nobody.
5. Nobody joins a company after the record that says in this partition that it is gone; a member leaves by a
   record of its own.
"""

import struct
from typing import Any, Final, Literal

import msgspec

from projections import keyspace, memberships, outbox
from projections.batches import Batch
from projections.batches import encode as encode_batch
from projections.profile import CLEARED, Header, Profile
from projections.receipts import Receipt, Tombstoned, encode_receipt, encode_tombstoned
from projections.working_set import WorkingSet
from schemas import identity
from schemas.events import (
    ENCODER,
    BatchReceived,
    CompanyGone,
    CompanyLeft,
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
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

REPEAT_WINDOW_MS: Final = 24 * 3600 * 1000
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


class HistoryType:
    """One byte in a history row for the event's type."""

    UPSERTED: Final = 1
    CLEARED: Final = 2
    RELEASED: Final = 3
    DUPLICATE: Final = 4
    REFUSED: Final = 5
    LEFT: Final = 6


_history: Final = struct.Struct(">32sBQ")
_time: Final = struct.Struct(">Q")


class Fold:
    """Folds the events of one partition; see the module for its rules."""

    def __init__(self, identity_: Identity) -> None:
        self._identity = identity_

    def user(self, event: ProfileEvent) -> bytes | None:
        """The keyed hash of the user that an event addresses by uid."""
        if type(event) is ProfileUpserted and event.id is None and event.uid is not None:
            return self._identity.uid_hash(event.account, event.uid)
        return None

    def evolve(
        self,
        state: WorkingSet,
        event: ProfileEvent,
        key: bytes,
        offset: int,
        user: bytes | None,
        size: int,
    ) -> Verdict:
        """Apply one event of `size` bytes; `user` is what `user()` said of it."""
        match event:
            case ProfileUpserted():
                return self._upserted(state, event, key, offset, user, size)
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
            case CompanyLeft():
                return _left(state, event, key, offset)
            case CompanyGone():
                state.put(keyspace.gone(event.company), b"")
                return Verdict("done", offset)
            case BatchReceived():
                state.put(keyspace.batch(event.id), encode_batch(Batch.of(event)))
                return Verdict("done", offset, event.id)

    def _upserted(
        self,
        state: WorkingSet,
        event: ProfileUpserted,
        key: bytes,
        offset: int,
        user: bytes | None,
        size: int,
    ) -> Verdict:
        if user is None:
            profile = None if event.id is None else state.profile_by_id(event.id)
            if profile is None:
                return _orphan(state, key, offset, event.id)
        else:
            repeat = event.idempotency
            if repeat is not None and state.get(keyspace.spent(user, repeat)) is not None:
                _orphan(state, key, offset, None)
                return Verdict("spent", offset)
            profile = state.profile(user)
        created = profile is None
        held = 0 if profile is None else len(profile.json)
        if held + size > MAX_DOCUMENT_BYTES and not _fits(profile, event):
            if profile is None:
                _orphan(state, key, offset, None)
                return Verdict("too_large", offset)
            _remember(state, profile, key, offset, HistoryType.REFUSED, event.at)
            return Verdict("too_large", offset, profile.id)
        if profile is None:
            assert user is not None
            profile = _create(state, event, key, offset, user)
        elif event.idempotency is not None and _repeats(state, profile, event):
            _remember(state, profile, key, offset, HistoryType.DUPLICATE, event.at)
            # The first attempt's claim may still be on its way, and this answer shows the email too.
            speaks = "email" in event.properties
            return Verdict(
                "duplicate", offset, profile.id, profile.header.claim if speaks else None
            )
        if event.idempotency is not None:
            state.put(keyspace.repeat(profile.id, event.idempotency), _time.pack(event.at))
        _remember(state, profile, key, offset, HistoryType.UPSERTED, event.at)
        before = profile.header.claim
        changed = self._merge(state, profile, event, key, offset)
        if state.publishes(offset):
            _publish(state, profile, "profile-upserted", key, offset, event.at, changed)
        outcome = "created" if created else "updated"
        claim = profile.header.claim
        if claim is None or "email" not in event.properties:
            return Verdict(outcome, offset, profile.id)
        made = claim if claim != before and state.publishes(offset) else None
        return Verdict(outcome, offset, profile.id, claim, made)

    def _merge(
        self, state: WorkingSet, profile: Profile, event: ProfileUpserted, key: bytes, offset: int
    ) -> list[str]:
        """Change the document; returns the names that changed."""
        document = profile.document
        before = document.get("email")
        changed: list[str] = []
        for name, value in event.properties.items():
            if name == "company_id" and _joins_none(state, profile, value):
                if document.pop(name, None) is not None:
                    changed.append(name)
            elif (
                name not in document or document[name] != value or not _same(document[name], value)
            ):
                document[name] = value
                changed.append(name)
        for name in event.unset:
            if name in document:
                del document[name]
                changed.append(name)
        if event.uid is not None and type(event.uid) is not type(document["uid"]):
            document["uid"] = event.uid
            changed.append("uid")
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

    def _give_up(self, state: WorkingSet, profile: Profile, email: str | None, offset: int) -> None:
        claim = profile.header.claim
        if claim is None or email is None:
            return
        digest = self._identity.email_hash(profile.header.account, email)
        partition = self._identity.partition_of_hash(digest)
        state.emit(offset, outbox.ClaimTombstone(partition, claim))
        profile.header.claim = None

    def _cleared(
        self, state: WorkingSet, event: ProfileCleared, key: bytes, offset: int
    ) -> Verdict:
        profile = state.profile_by_id(event.id)
        if profile is None:
            return _orphan(state, key, offset, event.id)
        _remember(state, profile, key, offset, HistoryType.CLEARED, event.at)
        document = profile.document
        changed = [name for name in CLEARED if document.get(name) is not None]
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
            return _orphan(state, key, offset, event.id, lost)
        _remember(state, profile, key, offset, HistoryType.RELEASED, event.at)
        if profile.header.claim != lost:
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
        for profile in profiles.values():
            self._give_up(state, profile, profile.document.get("email"), offset)
            memberships.move(state, profile, None)
            records += _take_history(state, profile)
            state.erase(profile)
        for id_ in dict.fromkeys([event.id, *profiles]):
            state.emit(offset, outbox.PublicDocument(id_, None))
        # The newest first: until the record that creates the profile is gone, a replay finds it and names the rest.
        for _, record in reversed(records):
            state.emit(offset, outbox.EventTombstone(record))
        state.put(keyspace.forgotten(event.id), _time.pack(offset))
        for repeat in event.spent:
            state.put(keyspace.spent(user, repeat), b"")
        receipt = Receipt.of(event, offset, [place for place, _ in records])
        state.emit(offset, outbox.Erased(event.account, event.deletion, receipt.events))
        state.put(keyspace.receipt(event.deletion), encode_receipt(receipt))
        return Verdict("done", offset, event.id)


def _left(state: WorkingSet, event: CompanyLeft, key: bytes, offset: int) -> Verdict:
    """Rule 5: the member of a company that is gone leaves it, unless it has moved meanwhile."""
    profile = state.profile_by_id(event.id)
    if profile is None:
        return _orphan(state, key, offset, event.id)
    _remember(state, profile, key, offset, HistoryType.LEFT, event.at)
    if profile.header.company != event.company:
        return Verdict("done", offset, profile.id)
    memberships.move(state, profile, None)
    del profile.document["company_id"]
    profile.document["updated_at"] = format_timestamp(event.at)
    profile.header.version = offset
    profile.changed()
    state.save(profile)
    _publish(state, profile, "profile-company-left", key, offset, event.at, ["company_id"])
    return Verdict("updated", offset, profile.id)


def _joins_none(state: WorkingSet, profile: Profile, company: str | None) -> bool:
    """Whether a write of this `company_id` leaves the profile without one: null, or rule 5."""
    return company is None or (
        company != profile.header.company and memberships.is_closed(state, company)
    )


def history_row(row: bytes) -> tuple[bytes, int, int]:
    """(event key, type, time in unix milliseconds) of a history row."""
    return _history.unpack(row)


def repeat_time(row: bytes) -> int:
    """When the event that carried an idempotency id was made, in unix milliseconds."""
    return _time.unpack(row)[0]


def _fits(profile: Profile | None, event: ProfileUpserted) -> bool:
    """Whether the document stays within its limit."""
    merged = {**(profile.document if profile else {}), **event.properties}
    for name in event.unset:
        merged.pop(name, None)
    return len(ENCODER.encode(merged)) <= MAX_DOCUMENT_BYTES


def _create(
    state: WorkingSet, event: ProfileUpserted, key: bytes, offset: int, user: bytes
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
    profile = Profile(user, Header(event.account, id_, offset, offset), document)
    state.add(profile)
    return profile


def _orphan(
    state: WorkingSet, key: bytes, offset: int, id_: str | None, lost: bytes | None = None
) -> Verdict:
    """Rule 1: the record meets no profile, so no forget will ever name it."""
    state.emit(offset, outbox.EventTombstone(key))
    return Verdict("missing", offset, id_, lost=lost)


def _repeats(state: WorkingSet, profile: Profile, event: ProfileUpserted) -> bool:
    """Whether the user's history of the last 24 hours, by the events' own times, has this idempotency id."""
    assert event.idempotency is not None
    row = state.get(keyspace.repeat(profile.id, event.idempotency))
    return row is not None and event.at - repeat_time(row) < REPEAT_WINDOW_MS


def _remember(
    state: WorkingSet, profile: Profile, key: bytes, offset: int, kind: int, at: int
) -> None:
    state.put(keyspace.history(profile.id, offset), _history.pack(key, kind, at))


def _take_history(state: WorkingSet, profile: Profile) -> list[tuple[int, bytes]]:
    """Remove a profile's history; returns (offset, key) of every record that it named."""
    records: list[tuple[int, bytes]] = []
    for row, value in state.scan(*keyspace.histories(profile.id)):
        records.append((keyspace.history_offset(row), history_row(value)[0]))
        state.delete(row)
    for row, _ in state.scan(*keyspace.repeats(profile.id)):
        state.delete(row)
    return records


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
    state.emit(offset, outbox.PublicDocument(profile.id, value))


def _same(old: object, new: object) -> bool:
    """Equal as JSON, of values that Python calls equal: 1, 1.0 and true are three."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict | list):
        return msgspec.json.encode(old) == msgspec.json.encode(new)
    return old == new
