"""What stands in the log: every event, its encoding and its decoding.

An event is JSON with its ``type``; ``at`` is the event's own time in unix milliseconds, fixed when it is made.
An event of version 1 does not name its version; a later one will, in ``v`` (`schemas.versions`).
"""

from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, cast

import msgspec

from schemas.properties import Kind
from schemas.versions import EventDecoder, UndecodableRecord, Upcasters


class _Event(
    msgspec.Struct, tag_field="type", frozen=True, omit_defaults=True, kw_only=True, gc=False
):
    account: str
    at: int

    @property
    def type_name(self) -> str:
        """The event's `type` in the log."""
        return str(self.__struct_config__.tag)


class ProfileUpserted(_Event, tag="profile-upserted", frozen=True):
    """What a product knows of a user. Addressed by `uid`, which creates, or by `id`, which does not.

    `idempotency` and `fingerprint` are keyed hashes in hex: of the account's Idempotency-Key, and of the request
    that came with it (contract §14).
    """

    uid: int | str | None = None
    id: str | None = None
    properties: dict[str, Any] = {}
    unset: list[str] = []
    idempotency: str | None = None
    fingerprint: str | None = None


class EventTracked(_Event, tag="event-tracked", frozen=True):
    """Something that a user did (contract §11): addressed, and repeated, like an upsert.

    `name` is normalized; `properties` are the event's own and change no profile.
    """

    name: str
    uid: int | str | None = None
    id: str | None = None
    properties: dict[str, Any] = {}
    idempotency: str | None = None
    fingerprint: str | None = None


class ProfileCleared(_Event, tag="profile-cleared", frozen=True):
    """Browser fields and tracked events are reset (contract §7)."""

    id: str


class ProfileForgotten(_Event, tag="profile-forgotten", frozen=True):
    """The user is erased (contract §8). Kept for ever, so it holds hashes and ids only.

    `user` is the keyed hash of the uid in hex, `spent` the idempotency ids of the last 24 hours, which are
    refused from then on, and `events` how many records the user had when the request came.
    """

    id: str
    user: str
    deletion: str
    spent: list[str] = []
    events: int = 0


class DeletionTombstoned(_Event, tag="deletion-tombstoned", frozen=True):
    """Every tombstone of a deletion has left. Kept for ever: a receipt says when, and how many
    records there were, after a rebuild too."""

    id: str
    events: int


class DeletionPurged(_Event, tag="deletion-purged", frozen=True):
    """The log and the files were read again, and nothing that the deletion erased is left. Kept for
    ever: it is what a receipt says `purged` by. `events` counts the records that were erased,
    `bytes` their keys and values, where all of them were seen before they were gone."""

    id: str
    events: int
    bytes: int | None = None


class EmailReleased(_Event, tag="profile-email-released", frozen=True):
    """Another profile claimed the email that this one holds by `claim`; `by` is the newer claim."""

    id: str
    claim: str
    by: str


class BatchOpened(_Event, tag="batch-opened", frozen=True):
    """The first event of a batch with an Idempotency-Key: which request it is, and the time of all its events."""

    id: str
    fingerprint: str


class CompanyGone(_Event, tag="company-gone", frozen=True):
    """A company was deleted: from here on no profile of this partition joins it. Kept for ever."""

    company: str


class CompanyLeft(_Event, tag="profile-company-left", frozen=True):
    """A member of a deleted company is a member no more."""

    id: str
    company: str


class BatchReceived(_Event, tag="batch-received", frozen=True):
    """The last event of a batch: what was in it, and the last offset in each partition it wrote to.

    `errors` holds the errors that were answered and that the items alone do not show, for a repeat
    (`projections.batches`): empty without an Idempotency-Key.
    """

    id: str
    received: int
    accepted: int
    skipped: int
    failed: int
    last: dict[str, int]
    errors: bytes = b""


# The events of ``profile-events`` by whom they are about, which says what names it.
AboutUser: TypeAlias = ProfileUpserted | EventTracked
"""A user, by `uid` or by the `id` of the profile."""
AboutProfile: TypeAlias = ProfileCleared | EmailReleased | CompanyLeft
"""A profile, by `id`."""
AboutDeletion: TypeAlias = DeletionTombstoned | DeletionPurged
"""A deletion, by `id`. Kept for ever."""
AboutNobody: TypeAlias = BatchOpened | BatchReceived | CompanyGone

ProfileEvent: TypeAlias = AboutUser | AboutProfile | ProfileForgotten | AboutDeletion | AboutNobody


Place: TypeAlias = tuple[int, int, int]
"""Of a claim or a withdrawal: partition and offset of its event, and its number among that event's outputs."""


class EmailClaimed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A profile's claim to an email, in ``profile-emails``. `email` is the keyed hash in hex.

    Claims of former versions have no `place`, and their record's key is their name (`schemas.identity.claim_name`).
    """

    account: str
    at: int
    email: str
    id: str
    place: Place | None = None


class EmailWithdrawn(msgspec.Struct, frozen=True):
    """A claim, that of the record's key, is no longer current: in ``profile-emails``. No user's data."""

    withdrawn: Place


EmailRecord: TypeAlias = EmailClaimed | EmailWithdrawn


class CompanyUpserted(_Event, tag="company-upserted", frozen=True):
    """What a product knows of a company, in ``company-events``. The first event of an id makes the company.

    `uid` is None in an event that names the company by its id: it does not create.
    """

    id: str
    uid: int | str | None = None
    properties: dict[str, Any] = {}
    unset: list[str] = []


class CompanyDeleted(_Event, tag="company-deleted", frozen=True):
    """The company is erased (contract §10), its profiles too with `cascade`. Kept for ever: its id is spent."""

    id: str
    deletion: str
    cascade: bool = False


class CompanyTombstoned(_Event, tag="company-tombstoned", frozen=True):
    """Nobody is a member any more and every tombstone has left. Kept for ever, for the receipt.

    `id` is the deletion's; `events` is how many records there were.
    """

    id: str
    events: int


class PropertyDescribed(_Event, tag="property-described", frozen=True):
    """What an operator wrote about a property (contract §10), in ``company-events``. No user's data.

    `prop` is the normalized name, dotted. A `name` or `description` that is not there stays as it was, null ends it.
    """

    id: str
    kind: Kind
    prop: str
    name: str | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET


CompanyEvent: TypeAlias = CompanyUpserted | CompanyDeleted | CompanyTombstoned | PropertyDescribed


class Secret(msgspec.Struct, frozen=True):
    """One secret of an account: only its keyed hash is kept."""

    id: str
    hash: str
    created_at: int


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one account, in ``accounts``."""

    id: str
    name: str
    created_at: int
    secrets: list[Secret] = []


UPCASTERS: Final[Upcasters] = {}
"""What makes today's events of those of former versions; all are of version 1 so far."""

ENCODER: Final = msgspec.json.Encoder()
_profile_events: Final = EventDecoder(
    "profile-events", msgspec.json.Decoder[ProfileEvent](ProfileEvent), UPCASTERS
)
_company_events: Final = EventDecoder(
    "company-events", msgspec.json.Decoder[CompanyEvent](CompanyEvent), UPCASTERS
)
_WITHDRAWN: Final = b'{"withdrawn"'
_Record = TypeVar("_Record", bound=msgspec.Struct)


@cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[msgspec.Struct]:
    return msgspec.json.Decoder(kind)


def encode(value: msgspec.Struct) -> bytes:
    """The bytes that stand in the log."""
    return ENCODER.encode(value)


def decode_profile_event(value: bytes) -> ProfileEvent:
    """Read a value of ``profile-events``. Raises `UndecodableRecord`, without the bytes."""
    return _profile_events.decode(value)


def decode_company_event(value: bytes) -> CompanyEvent:
    """Read a value of ``company-events``. Raises `UndecodableRecord`, without the bytes."""
    return _company_events.decode(value)


def decode_email_record(value: bytes) -> EmailRecord:
    """Read a value of ``profile-emails``. Raises `UndecodableRecord`, without the bytes."""
    if value.startswith(_WITHDRAWN):
        return decode_record(value, EmailWithdrawn)
    return decode_record(value, EmailClaimed)


def decode_record(value: bytes, kind: type[_Record]) -> _Record:
    """Read a value of one of the other topics. Raises `UndecodableRecord`, without the bytes."""
    try:
        return cast("_Record", _decoder(kind).decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UndecodableRecord(f"not a record of type {kind.__name__}") from None
