"""Partitions for tests of the folds: events go in one by one, and what they left is looked at."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from projections import keyspace
from projections.companies.fold import Companies
from projections.email_index import EmailState, Folded
from projections.fold.verdict import Verdict
from projections.history import Entry
from projections.outbox import OutboxRow
from projections.partition import Origin, PartitionState
from projections.profiles import ProfileState
from schemas.events import CompanyUpserted, EventTracked, ProfileEvent, ProfileUpserted, encode
from schemas.identity import Identity
from tests.support.memory_log import Record
from tests.support.memory_storage import MemoryStorage

ACCOUNT: Final = "a" * 24
AT: Final = 1_700_000_000_000
_FIELDS: Final = ("id", "unset", "idempotency", "fingerprint")
IDENTITY: Final = Identity(b"k" * 32, 1)


def origin(topic: str) -> Origin:
    return Origin("log", topic, 0, 1, IDENTITY.fingerprint)


def key(number: int) -> bytes:
    """The Kafka key of the record with this number."""
    return b"%032x" % number


def user(uid: int | str) -> bytes:
    return IDENTITY.uid_hash(ACCOUNT, uid)


def upserted(uid: int | str | None = "ada", at: int = AT, **fields: Any) -> ProfileUpserted:
    """An upsert; what is no field of the event is a property."""
    own = {name: fields.pop(name) for name in _FIELDS if name in fields}
    return ProfileUpserted(account=ACCOUNT, at=at, uid=uid, properties=fields, **own)


def tracked(name: str, uid: int | str | None = "ada", at: int = AT, **fields: Any) -> EventTracked:
    """A tracked event; what is no field of the event is a property."""
    own = {field: fields.pop(field) for field in ("id", "idempotency") if field in fields}
    return EventTracked(account=ACCOUNT, at=at, name=name, uid=uid, properties=fields, **own)


def folded_companies(account: str, documents: Iterable[Mapping[str, Any]]) -> Companies:
    """The companies of an account, each as its document says."""
    companies = Companies(IDENTITY)
    for number, document in enumerate(documents):
        companies.apply(key(number), encode(company_upserted(account, document)))
    return companies


def company_upserted(account: str, document: Mapping[str, Any]) -> CompanyUpserted:
    """The event that makes the company of this document, or adds to it."""
    properties = {name: document[name] for name in document if name not in ("id", "uid")}
    return CompanyUpserted(
        account=account,
        at=AT,
        id=document["id"],
        uid=document["uid"],
        properties=properties,
        unset=[],
    )


def rows(state: PartitionState) -> dict[bytes, bytes]:
    return dict(state.storage.scan(b"", b"\xff" * 9))


def lasting(state: PartitionState) -> dict[bytes, bytes]:
    """All rows but the outbox's and the "changed" ones, which lie in packs as they came."""
    packed = (keyspace.OUTBOX, keyspace.CHANGED)
    return {key: row for key, row in rows(state).items() if key[:1] not in packed}


def placed(state: PartitionState) -> list[tuple[int, OutboxRow]]:
    """(offset, row) of all that is in the outbox."""
    return list(state.outbox_from((0, 0)))


def outputs(state: PartitionState, offset: int | None = None) -> list[OutboxRow]:
    """The rows in the outbox, of the event at the offset when one is given."""
    return [row for at, row in placed(state) if offset is None or at == offset]


class Profiles:
    """A partition of ``profile-events``. The record at an offset has the key `key(offset)`."""

    def __init__(self, published: int = 0) -> None:
        self.state = ProfileState(MemoryStorage(), origin("profile-events"), IDENTITY)
        self.state.resume(published)

    def put(self, event: ProfileEvent) -> Verdict:
        """Fold one more event."""
        offset = self.state.applied + 1
        ((folded, verdict),) = self.state.apply([Record(offset, key(offset), encode(event))])
        assert folded == key(offset)
        return verdict

    def made(self, event: ProfileEvent) -> list[OutboxRow]:
        """Fold one more event; returns its outputs."""
        verdict = self.put(event)
        return outputs(self.state, verdict.offset)

    def create(self, uid: int | str = "ada", **properties: Any) -> str:
        """A profile for the user; returns its id."""
        verdict = self.put(upserted(uid, **properties))
        assert (verdict.outcome, verdict.id is None) == ("created", False)
        return str(verdict.id)

    def document(self, id_: str) -> dict[str, Any]:
        found = self.state.read_by_id(id_, ACCOUNT)
        assert found is not None, "no such profile"
        return found.document()

    def claim(self, id_: str) -> bytes | None:
        """The profile's current claim."""
        found = self.state.read_by_id(id_, ACCOUNT)
        assert found is not None, "no such profile"
        return found.header.claim

    def history(self, id_: str) -> list[bytes]:
        """The keys of the records that are known to be about the profile."""
        return [entry.key for entry in self.entries(id_)]

    def entries(self, id_: str) -> list[Entry]:
        """The profile's history."""
        found = self.state.read_by_id(id_, ACCOUNT)
        return [] if found is None else self.state.history(found, 0, 1 << 62, 1000)


class Emails:
    """A partition of ``profile-emails``."""

    def __init__(self, published: int = 0) -> None:
        self.state = EmailState(MemoryStorage(), origin("profile-emails"))
        self.state.resume(published)

    def put(self, claim: bytes, value: bytes | None) -> list[Folded]:
        """Fold one more claim, or with None its tombstone."""
        offset = self.state.applied + 1
        return self.state.apply([Record(offset, claim, value)])
