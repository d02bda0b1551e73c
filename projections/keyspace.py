"""Every RocksDB key, made and read in this one place: prefixes are named, and keys are cut up, nowhere else.

One database holds one partition, so one write is atomic. A key is a prefix byte and fixed-width fields, in
big-endian order where order matters. None holds a uid, an email or a property: RocksDB keeps key bytes in its
MANIFEST until the database is opened again.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

# Each with what its rows are; `_FIELDS` has the fields of its keys.
DOCUMENTS: Final = b"D"  # a user's profile: header and document (`projections.profile`)
USERS: Final = b"U"  # a profile's user: the keyed uid hash
HISTORY: Final = b"H"  # a record about a profile, not the creating one: key, type, time, old values
COUNTERS: Final = b"C"  # a name of a profile's tracked events: its counter
OCCURRENCES: Final = b"V"  # one of the last tracked events of that name
REPEATS: Final = b"I"  # the first attempt of an idempotency id: time, offset, outcome, request
REPEATED: Final = b"J"  # an idempotency id: the profile that its first attempt was about
OPENED: Final = b"N"  # the first event of a batch with an idempotency id
FORGOTTEN: Final = b"X"  # a profile id that is spent: the offset of the forget
SPENT: Final = b"S"  # a refused idempotency id: the time of the forget
MEMBERS: Final = b"Y"  # a member of a company: no value
GONE: Final = b"G"  # a deleted company, which no profile joins any more: no value
RECEIPTS: Final = b"R"  # a deletion: its receipt
TOMBSTONED: Final = b"T"  # a deletion: when its last tombstone left
PURGED: Final = b"P"  # a deletion: when it was seen that nothing is left of it
WAITING: Final = b"W"  # a deletion that waits to be purged; the offset is the forget's
LATE: Final = b"L"  # a late record that waits to be purged: profile id or keyed uid hash
DELETIONS: Final = b"A"  # an account's deletions, the newest first: no value
BATCHES: Final = b"B"  # a batch
OUTBOX: Final = b"O"  # a pack of outbox rows, by the last of them
CHANGED: Final = b"Q"  # ids of profiles that the search index has still to read
UNDECODED: Final = b"Z"  # a record that could not be decoded: no value
META: Final = b"M"  # the applied offset, and the origin of the log
EMAILS: Final = b"E"  # an email, in the email index: its claims, in order
CLAIMED: Final = b"K"  # a claim, in the email index: the row of its email

APPLIED: Final = META + b"applied"
ORIGIN: Final = META + b"origin"

# What holds bytes of a user, and has to be compacted once they are erased.
PERSONAL: Final = (
    COUNTERS,
    DOCUMENTS,
    HISTORY,
    REPEATS,
    REPEATED,
    OUTBOX,
    USERS,
    OCCURRENCES,
    MEMBERS,
)
EMAIL_INDEX: Final = (EMAILS, CLAIMED)

FieldValue: TypeAlias = str | int | bytes

_ID_BYTES: Final = 12
_HASH_BYTES: Final = 16
_LAST_TIME: Final = (1 << 63) - 1
_offset: Final = struct.Struct(">Q")
_offset_number: Final = struct.Struct(">cQI")


class _Field(NamedTuple):
    """A field of a key: its name, its bytes, None for all that is left, and what reads it."""

    name: str
    width: int | None
    read: Callable[[bytes], FieldValue]


def _time_of(field: bytes) -> int:
    return _LAST_TIME - int.from_bytes(field)


_PROFILE: Final = _Field("profile", _ID_BYTES, bytes.hex)
_COMPANY: Final = _Field("company", _ID_BYTES, bytes.hex)
_DELETION: Final = _Field("deletion", _ID_BYTES, bytes.hex)
_ACCOUNT: Final = _Field("account", _ID_BYTES, bytes.hex)
_BATCH: Final = _Field("batch", _ID_BYTES, bytes.hex)
_IDEMPOTENCY: Final = _Field("idempotency", _HASH_BYTES, bytes.hex)
_NAME_HASH: Final = _Field("name_hash", _HASH_BYTES, bytes)
_RING_INDEX: Final = _Field("ring_index", 1, int.from_bytes)
_OFFSET: Final = _Field("offset", _offset.size, int.from_bytes)
_NUMBER: Final = _Field("number", 4, int.from_bytes)
_TIME: Final = _Field("time", _offset.size, _time_of)
_USER: Final = _Field("user", None, bytes)
_EMAIL: Final = _Field("email", None, bytes)
_CLAIM: Final = _Field("claim", None, bytes)
_NAME: Final = _Field("name", None, bytes)

_FIELDS: Final[Mapping[bytes, tuple[_Field, ...]]] = {
    DOCUMENTS: (_USER,),
    USERS: (_PROFILE,),
    HISTORY: (_PROFILE, _OFFSET),
    COUNTERS: (_PROFILE, _NAME_HASH),
    OCCURRENCES: (_PROFILE, _NAME_HASH, _RING_INDEX),
    REPEATS: (_PROFILE, _IDEMPOTENCY),
    REPEATED: (_IDEMPOTENCY,),
    OPENED: (_BATCH,),
    FORGOTTEN: (_PROFILE,),
    SPENT: (_IDEMPOTENCY,),
    MEMBERS: (_COMPANY, _PROFILE),
    GONE: (_COMPANY,),
    RECEIPTS: (_DELETION,),
    TOMBSTONED: (_DELETION,),
    PURGED: (_DELETION,),
    WAITING: (_OFFSET, _DELETION),
    LATE: (_OFFSET,),
    DELETIONS: (_ACCOUNT, _TIME, _DELETION),
    BATCHES: (_BATCH,),
    OUTBOX: (_OFFSET, _NUMBER),
    CHANGED: (_OFFSET,),
    UNDECODED: (_OFFSET,),
    META: (_NAME,),
    EMAILS: (_EMAIL,),
    CLAIMED: (_CLAIM,),
}
PREFIXES: Final = tuple(_FIELDS)
"""Of all kinds of rows that there are."""

# What a row is about, where that is not all that stands behind the prefix.
_FIRST_ID: Final = slice(1, 1 + _ID_BYTES)
_SECOND_ID: Final = slice(1 + _ID_BYTES, None)
_SUBJECT: Final[Mapping[bytes, slice]] = {
    COUNTERS: _FIRST_ID,
    HISTORY: _FIRST_ID,
    REPEATS: _FIRST_ID,
    OCCURRENCES: _FIRST_ID,
    MEMBERS: _SECOND_ID,
}
_WHOLE: Final = slice(1, None)
_NAME_HASH_AT: Final = slice(1 + _ID_BYTES, 1 + _ID_BYTES + _HASH_BYTES)


# ---------------------------------------------------------------------- any key


def prefix_of(key: bytes) -> bytes:
    return key[:1]


def fields(key: bytes) -> dict[str, FieldValue]:
    """What stands in a key, by name, in its order: ids in hex, keyed hashes and claim keys as bytes, numbers.

    Of a kind that this version does not know, nothing.
    """
    found: dict[str, FieldValue] = {}
    start = 1
    for name, width, read in _FIELDS.get(prefix_of(key), ()):
        stop = len(key) if width is None else start + width
        found[name] = read(key[start:stop])
        start = stop
    return found


def subject(key: bytes) -> tuple[bytes, bytes]:
    """(prefix, the id, keyed hash or claim key that a row is about, where it is about somebody)."""
    prefix = key[:1]
    return prefix, key[_SUBJECT.get(prefix, _WHOLE)]


def bounds(prefix: bytes) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of all rows with a prefix."""
    return prefix, after(prefix)


def after(prefix: bytes) -> bytes:
    """The first key behind all that start with `prefix`, whose last byte is below 255."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def next_key(key: bytes) -> bytes:
    """The first key that can come behind this one: where a scan goes on."""
    return key + b"\0"


def _under(prefix: bytes) -> tuple[bytes, bytes]:
    return prefix, prefix + b"\xff" * 21


# ---------------------------------------------------------------------- profiles


def document(uid_hash: bytes) -> bytes:
    return DOCUMENTS + uid_hash


def user(profile_id: str) -> bytes:
    return USERS + bytes.fromhex(profile_id)


def user_id(key: bytes) -> str:
    """The profile id in a key that `user` made."""
    return key[_WHOLE].hex()


def history(profile_id: str, offset: int) -> bytes:
    return HISTORY + bytes.fromhex(profile_id) + _offset.pack(offset)


def histories(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a profile's history rows."""
    return _under(HISTORY + bytes.fromhex(profile_id))


def history_offset(key: bytes) -> int:
    return _offset.unpack_from(key, 13)[0]


def repeat(profile_id: str, idempotency: str) -> bytes:
    return REPEATS + bytes.fromhex(profile_id) + bytes.fromhex(idempotency)


def repeats(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of the idempotency ids that a profile's events carried."""
    return _under(REPEATS + bytes.fromhex(profile_id))


def repeat_id(key: bytes) -> str:
    """The idempotency id in a key that `repeat` made."""
    return key[_SECOND_ID].hex()


def repeat_profile(key: bytes) -> bytes:
    """The profile id, in bytes, in a key that `repeat` made."""
    return key[_FIRST_ID]


def repeats_from(idempotency: str, profile_id: str = "") -> bytes:
    """Where a scan begins that an idempotency id draws: among the rows of the profile, or of all profiles."""
    return repeat(profile_id, idempotency)


def repeated(idempotency: str) -> bytes:
    return REPEATED + bytes.fromhex(idempotency)


def repeated_id(key: bytes) -> str:
    """The idempotency id in a key that `repeated` made."""
    return key[_WHOLE].hex()


def counter(profile_id: str, name_hash: bytes) -> bytes:
    return COUNTERS + bytes.fromhex(profile_id) + name_hash


def counters(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a profile's counters of tracked events."""
    return _under(COUNTERS + bytes.fromhex(profile_id))


def occurrence(profile_id: str, name_hash: bytes, ring_index: int) -> bytes:
    return OCCURRENCES + bytes.fromhex(profile_id) + name_hash + bytes([ring_index])


def occurrences(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a profile's tracked events."""
    return _under(OCCURRENCES + bytes.fromhex(profile_id))


def name_hash(key: bytes) -> bytes:
    """The keyed hash of the event's name in a key that `counter` or `occurrence` made."""
    return key[_NAME_HASH_AT]


def ring_index(key: bytes) -> int:
    """Which of the last occurrences a key that `occurrence` made is for."""
    return key[-1]


def forgotten(profile_id: str) -> bytes:
    return FORGOTTEN + bytes.fromhex(profile_id)


def spent(idempotency: str) -> bytes:
    return SPENT + bytes.fromhex(idempotency)


def member(company_id: str, profile_id: str) -> bytes:
    return MEMBERS + bytes.fromhex(company_id) + bytes.fromhex(profile_id)


def members(company_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a company's members."""
    return _under(MEMBERS + bytes.fromhex(company_id))


def member_id(key: bytes) -> str:
    """The profile of a membership row."""
    return key[_SECOND_ID].hex()


def member_company(key: bytes) -> str:
    """The company of a membership row."""
    return key[_FIRST_ID].hex()


def gone(company_id: str) -> bytes:
    return GONE + bytes.fromhex(company_id)


# ---------------------------------------------------------------------- deletions and batches


def receipt(deletion_id: str) -> bytes:
    return RECEIPTS + bytes.fromhex(deletion_id)


def tombstoned(deletion_id: str) -> bytes:
    return TOMBSTONED + bytes.fromhex(deletion_id)


def purged(deletion_id: str) -> bytes:
    return PURGED + bytes.fromhex(deletion_id)


def waiting(offset: int, deletion_id: str) -> bytes:
    return WAITING + _offset.pack(offset) + bytes.fromhex(deletion_id)


def waiting_id(key: bytes) -> str:
    """The deletion's id."""
    return key[9:].hex()


def late(offset: int) -> bytes:
    return LATE + _offset.pack(offset)


def late_offset(key: bytes) -> int:
    return _offset.unpack_from(key, 1)[0]


def deletion(account: str, at: int, deletion_id: str = "") -> bytes:
    """A deletion in its account's list; without an id what comes before all of that time, in ms."""
    return (
        DELETIONS
        + bytes.fromhex(account)
        + _offset.pack(_LAST_TIME - at)
        + bytes.fromhex(deletion_id)
    )


def deletions(account: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of an account's list of deletions."""
    return _under(DELETIONS + bytes.fromhex(account))


def deletion_id(key: bytes) -> str:
    """The deletion's id in a key of an account's list."""
    return key[21:].hex()


def batch(batch_id: str) -> bytes:
    return BATCHES + bytes.fromhex(batch_id)


def opened(batch_id: str) -> bytes:
    return OPENED + bytes.fromhex(batch_id)


# ---------------------------------------------------------------------- what has still to be done


def outbox(offset: int, number: int = 0) -> bytes:
    return _offset_number.pack(OUTBOX, offset, number)


def changed(offset: int) -> bytes:
    return CHANGED + _offset.pack(offset)


def changed_offset(key: bytes) -> int:
    return _offset.unpack_from(key, 1)[0]


def undecoded(offset: int) -> bytes:
    return UNDECODED + _offset.pack(offset)


# ---------------------------------------------------------------------- the email index


def email(email_hash: bytes) -> bytes:
    return EMAILS + email_hash


def claim(claim_key: bytes) -> bytes:
    return CLAIMED + claim_key
