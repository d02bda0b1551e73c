"""What a record of the log or a row of the state says about a person (contract §8).

Pure: a record or a row goes in, a `Trace` comes out, or None. A trace names the kind of the record or row and never
its value. `FOUND` is what a purge has to remove; `KEPT` is what stays for ever, or until Kafka drops its
tombstones, and holds ids, hashes, counts and times only; `NAMESAKE` is the same uid or email in an account that was
not asked for.
"""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec

from projections import keyspace, outbox
from projections.auditing.person import Person
from projections.email_index import Claimant
from projections.history import old_values
from projections.profile import split
from schemas.events import (
    AboutNobody,
    AboutProfile,
    AboutUser,
    EmailWithdrawn,
    ProfileForgotten,
    UndecodableRecord,
    decode_email_record,
    decode_profile_event,
)
from schemas.identity import claim_name

Role = Literal["events", "emails", "profiles", "companies", "other"]


class Mark(Enum):
    FOUND = "found"
    KEPT = "kept"
    NAMESAKE = "namesake"


class Trace(NamedTuple):
    """How a record or row counts, and what it is in words."""

    mark: Mark
    what: str


_UNREADABLE: Final = (msgspec.MsgspecError, UndecodableRecord, UnicodeDecodeError, ValueError)
_KEPT_EVENTS: Final = ("profile-forgotten", "deletion-")
_ABOUT_NOBODY: Final = frozenset(
    {
        keyspace.BATCHES,
        keyspace.GONE,
        keyspace.META,
        keyspace.OPENED,
        keyspace.UNDECODED,
        keyspace.WATERMARKS,
    }
)
# Rows of ids, keyed hashes, times and counts.
_REMEMBERED: Final = {
    keyspace.FORGOTTEN: "forgotten id",
    keyspace.SPENT: "spent idempotency id",
    keyspace.RECEIPTS: "receipt",
    keyspace.TOMBSTONED: "receipt",
    keyspace.PURGED: "receipt",
    keyspace.WAITING: "deletion that waits to be purged",
    keyspace.LATE: "late record that waits to be purged",
    keyspace.DELETIONS: "receipt",
    keyspace.TOMBSTONES: "tombstone that has still to leave",
    keyspace.CHANGED: "changed profile that the search index has still to read",
}


class Evidence:
    """Judges records and rows by the names of one person, when all of them are known."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._texts = [each.encode() for text in person.asked.texts for each in spellings(text)]
        self._needles = _needles(person)
        self._names = _names(person)
        self._email = None if person.email is None else person.email.encode()

    # ------------------------------------------------------------------ the log

    def record(
        self, role: Role, partition: int, offset: int, key: bytes, value: bytes | None
    ) -> Trace | None:
        """What a record of a topic in this role says."""
        if self._holds_text(key):
            return _found("the string, in a key")
        if value is None:
            return self._tombstone(role, key)
        if self._holds_text(value):
            return _found("the string")
        match role:
            case "events":
                if offset in self._person.erased[partition]:
                    return _found("a record that was erased")
                decode = bool(self._person.forgets) or self._may_concern(value)
                return self.event(offset, value) if decode else None
            case "emails":
                return self.claim(key, value)
            case "profiles":
                if key.decode(errors="replace") in self._person.ids:
                    return _found("public document")
                return self.public(value) if self._may_concern(value) else None
            case "companies":
                return self._company(value) if self._may_concern(value) else None
            case "other":
                return None

    def event(self, offset: int, value: bytes) -> Trace | None:
        """What an event of ``profile-events`` says."""
        person = self._person
        try:
            event = decode_profile_event(value)
        except UndecodableRecord:
            return self._unknown_event(value)
        if isinstance(event, AboutUser):
            return self._about_user(event, offset)
        if isinstance(event, AboutNobody):
            return None
        if isinstance(event, AboutProfile):
            return _found(event.type_name) if event.id in person.ids else None
        deletion = event.deletion if isinstance(event, ProfileForgotten) else event.id
        named = deletion in person.deletions or event.id in person.ids
        return _kept(event.type_name) if named else None

    def claim(self, key: bytes, value: bytes) -> Trace | None:
        """What a record of ``profile-emails`` says."""
        named = claim_name(key) in self._person.claims
        try:
            claim = decode_email_record(value)
            if isinstance(claim, EmailWithdrawn):
                return _kept("withdrawal of an email claim") if named else None
            email = bytes.fromhex(claim.email)
        except _UNREADABLE:
            return _found("email claim, undecodable") if named else None
        if claim.id in self._person.ids or email in self._person.emails:
            return _found("email claim")
        return _namesake() if email in self._person.elsewhere else None

    def public(self, value: bytes) -> Trace | None:
        """What a record of ``profiles`` says."""
        return self._document(
            _fields(_fields(_json(value)).get("profile")), None, "public document"
        )

    def _tombstone(self, role: Role, key: bytes) -> Trace | None:
        named = (role == "profiles" and key.decode(errors="replace") in self._person.ids) or (
            role == "emails" and claim_name(key) in self._person.claims
        )
        return _kept("tombstone") if named else None

    def _about_user(self, event: AboutUser, offset: int) -> Trace | None:
        person = self._person
        named = person.has_uid(event.uid) or person.has_email(event.properties.get("email"))
        if (
            event.id in person.ids
            or (named and person.in_account(event.account))
            or person.was_forgotten(event, offset)
        ):
            return _found(event.type_name)
        return _namesake() if named else None

    def _unknown_event(self, value: bytes) -> Trace | None:
        """An event of another version: what it says by the names that all events have in common."""
        fields = _fields(_json(value))
        kind = fields.get("type")
        ids = self._person.ids | self._person.deletions
        if isinstance(kind, str) and kind.startswith(_KEPT_EVENTS):
            named = not ids.isdisjoint(_strings(fields))
            return _kept("an event of another version") if named else None
        email = _fields(fields.get("properties")).get("email", fields.get("email"))
        named = self._person.has_uid(fields.get("uid")) or self._person.has_email(email)
        if named and not self._person.in_account(str(fields.get("account"))):
            return _namesake()
        return _found("undecodable event") if named or str(fields.get("id")) in ids else None

    def _company(self, value: bytes) -> Trace | None:
        """A company is nobody; but in raw bytes its uid and its email look like a user's."""
        person, fields = self._person, _fields(_json(value))
        email = _fields(fields.get("properties")).get("email")
        return _namesake() if person.has_uid(fields.get("uid")) or person.has_email(email) else None

    def _document(self, fields: dict[str, Any], account: str | None, what: str) -> Trace | None:
        """`account` is None where it is not known: then the id decides, as far as it can."""
        person = self._person
        id_ = str(fields.get("id"))
        if id_ in person.ids:
            return _found(what)
        if person.has_uid(fields.get("uid")):
            here = person.in_slot(id_) if account is None else person.in_account(account)
            return _found(what) if here else _namesake()
        if person.has_email(fields.get("email")):
            here = id_ not in person.strangers if account is None else person.in_account(account)
            return _found(what) if here else _namesake()
        return None

    def _may_concern(self, value: bytes) -> bool:
        """Whether decoding could find anything. Without a backslash JSON spells a string as it is."""
        if b"\\" in value or any(needle in value for needle in self._needles):
            return True
        # Case-folding makes ASCII of other characters too, the Kelvin sign for one.
        return self._email is not None and (not value.isascii() or self._email in value.lower())

    def _holds_text(self, value: bytes) -> bool:
        if not self._texts:
            return False
        if any(text in value for text in self._texts):
            return True
        return b"\\" in value and self._says_text(value)

    def _says_text(self, value: bytes) -> bool:
        """Whether a string in JSON that uses escapes says one of the texts."""
        texts = self._person.asked.texts
        return any(text in string for string in _strings(_json(value)) for text in texts)

    # ------------------------------------------------------------------ the state

    def row(self, key: bytes, value: bytes | None) -> Trace | None:
        """What a row of a RocksDB says; `projections.keyspace` has the kinds. None is a delete marker."""
        if self._holds_text(key):
            return _found("the string, in a key")
        if value is None:
            return self._marker(key)
        if self._holds_text(value):
            return _found("the string")
        try:
            return self._row(key, value)
        except _UNREADABLE:
            return self._opaque(key, value)

    def _row(self, key: bytes, value: bytes) -> Trace | None:
        person = self._person
        prefix, subject = keyspace.subject(key)
        match prefix:
            case keyspace.DOCUMENTS:
                return _found("document") if self._is_name(subject) else self._document_row(value)
            case keyspace.USERS:
                return _found("user") if self._is_name(subject) or self._is_name(value) else None
            case keyspace.HISTORY:
                named = self._is_name(subject)
                return _found("history") if named else self._history_row(subject, value)
            case keyspace.REPEATS:
                return _found("history") if self._is_name(subject) else None
            case keyspace.REPEATED:
                return _found("history") if self._is_name(value) else None
            case keyspace.COUNTERS | keyspace.OCCURRENCES:
                return _found("tracked event") if self._is_name(subject) else None
            case keyspace.MEMBERS:
                return _found("membership") if self._is_name(subject) else None
            case keyspace.OUTBOX:
                traces = [self._outbox(row) for _, row in outbox.decode(value)]
                return min(filter(None, traces), key=_weight, default=None)
            case keyspace.EMAILS:
                claimants = msgspec.msgpack.decode(value, type=list[Claimant])
                named = subject in person.emails or any(it.id in person.ids for it in claimants)
                return _found("email index") if named else None
            case keyspace.CLAIMED:
                email = keyspace.subject(keyspace.claim_email(value))[1]
                named = subject in person.claims or email in person.emails
                return _found("email index") if named else None
            case _ if prefix in _ABOUT_NOBODY:
                return None
            case _ if (what := _REMEMBERED.get(prefix)) is not None:
                return _kept(what) if self._names_person(key + value) else None
            case _:
                return self._opaque(key, value)

    def _is_name(self, subject: bytes) -> bool:
        """Whether this is a profile id or the keyed uid hash of the person."""
        return subject.hex() in self._person.ids or subject in self._person.users

    def _marker(self, key: bytes) -> Trace | None:
        """Of a deleted row the key is left, which is an id or a keyed hash."""
        person, (_, subject) = self._person, keyspace.subject(key)
        named = self._is_name(subject) or subject in person.emails or subject in person.claims
        return _kept("delete marker") if named else None

    def _document_row(self, value: bytes) -> Trace | None:
        header, document = split(value)
        if not self._may_concern(document):
            return None
        if self._texts and self._says_text(document):
            return _found("the string")
        return self._document(_fields(_json(document)), header.account, "document")

    def _history_row(self, subject: bytes, value: bytes) -> Trace | None:
        """What a history keeps of its profile's earlier values."""
        old = old_values(value)
        if not self._may_concern(old):
            return None
        if self._texts and self._says_text(old):
            return _found("the string")
        return self._document({**_fields(_json(old)), "id": subject.hex()}, None, "history")

    def _opaque(self, key: bytes, value: bytes) -> Trace | None:
        """A row that this version cannot read: better reported than passed over."""
        return _found("unknown row") if self._names_person(key + value) else None

    def _names_person(self, row: bytes) -> bool:
        return any(name in row for name in self._names)

    def _outbox(self, row: outbox.OutboxRow) -> Trace | None:
        """A row that has still to leave counts as the record that it will be."""
        match row:
            case outbox.Claim(_, name, value):
                trace = self.claim(name, value)
            case outbox.PublicDocument(id_, value, _):
                if id_ not in self._person.ids:
                    trace = None if value is None else self.public(value)
                else:
                    trace = _kept("tombstone") if value is None else _found("public document")
            case outbox.Release(_, value):
                trace = self.event(0, value)
            case outbox.Erased(_, deletion, _):
                trace = _kept("deletion") if deletion in self._person.deletions else None
            case outbox.Withdrawal(_, name):
                kept = _kept("withdrawal of an email claim")
                trace = kept if name in self._person.claims else None
            case outbox.EventTombstone():
                trace = None
        return None if trace is None else trace._replace(what=f"outbox: {trace.what}")


def spellings(text: str) -> set[str]:
    """How a text stands in files: as it is, and as JSON writes it, with and without Unicode escapes."""
    return {text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]}


def _needles(person: Person) -> list[bytes]:
    """What JSON about the person holds at least one of, where it has no backslash.

    A user's ids begin with the same four digits, so that there are few needles, however many ids.
    """
    starts = {id_[:4] for id_ in person.ids | person.deletions}
    needles = [f'"{start}'.encode() for start in sorted(starts)]
    return needles if person.asked.uid is None else [person.asked.uid.encode(), *needles]


def _names(person: Person) -> list[bytes]:
    """The person's ids and keyed uid hashes, as rows spell them."""
    ids = sorted(person.ids | person.deletions)
    hashes = sorted(person.users.union(person.forgets))
    return [*map(bytes.fromhex, ids), *(id_.encode() for id_ in ids), *hashes]


def _json(value: bytes) -> Any:
    """The value decoded; None where it is no JSON."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fields(value: Any) -> dict[str, Any]:
    """The fields of a decoded JSON object; none where it is something else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _strings(value: Any) -> Iterator[str]:
    """Every string in a decoded JSON value, names included."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += cast("list[Any]", value)
        else:
            for name, item in _fields(value).items():
                yield name
                waiting.append(item)


def _weight(trace: Trace) -> int:
    """The graver the less: what a pack of rows says is what its gravest row says."""
    return list(Mark).index(trace.mark)


def _found(what: str) -> Trace:
    return Trace(Mark.FOUND, what)


def _kept(what: str) -> Trace:
    return Trace(Mark.KEPT, what)


def _namesake() -> Trace:
    return Trace(Mark.NAMESAKE, "the same name in another account")
