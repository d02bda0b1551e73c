"""Every RocksDB key, made and read in this one place: prefixes are named, and keys are cut up, nowhere else.

One database holds one partition, so one write is atomic. A key is a prefix byte and fixed-width fields, in
big-endian order where order matters. None holds a uid, an email or a property: RocksDB keeps key bytes in its
MANIFEST until the database is opened again.
"""

import struct
from collections.abc import Mapping
from typing import Final

# Each with what its rows are.
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
CLAIMED: Final = (
    b"K"  # a claim, in the email index: the row of its email, and the key of its record
)
WATERMARKS: Final = (
    b"w"  # a source of claims, in the email index: the greatest place that was taken of it
)
TOMBSTONES: Final = (
    b"t"  # keys of records of ``profile-emails`` whose tombstones have still to leave
)

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

ID_BYTES: Final = 12
HASH_BYTES: Final = 16
LAST_TIME: Final = (1 << 63) - 1
_offset: Final = struct.Struct(">Q")
_number: Final = struct.Struct(">I")
_offset_number: Final = struct.Struct(">cQI")


PREFIXES: Final = (
    DOCUMENTS, USERS, HISTORY, COUNTERS, OCCURRENCES, REPEATS, REPEATED, OPENED, FORGOTTEN, SPENT, MEMBERS, GONE,
    RECEIPTS, TOMBSTONED, PURGED, WAITING, LATE, DELETIONS, BATCHES, OUTBOX, CHANGED, UNDECODED, META, EMAILS, CLAIMED,
    WATERMARKS, TOMBSTONES,
)  # fmt: skip
"""Of all kinds of rows that there are; `projections.auditing.key_fields` has the fields of their keys."""

# What a row is about, where that is not all that stands behind the prefix.
_FIRST_ID: Final = slice(1, 1 + ID_BYTES)
_SECOND_ID: Final = slice(1 + ID_BYTES, None)
_SUBJECT: Final[Mapping[bytes, slice]] = {
    COUNTERS: _FIRST_ID,
    HISTORY: _FIRST_ID,
    REPEATS: _FIRST_ID,
    OCCURRENCES: _FIRST_ID,
    MEMBERS: _SECOND_ID,
}
_WHOLE: Final = slice(1, None)
_NAME_HASH_AT: Final = slice(1 + ID_BYTES, 1 + ID_BYTES + HASH_BYTES)


# ---------------------------------------------------------------------- any key


def prefix_of(key: bytes) -> bytes:
    return key[:1]


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
        + _offset.pack(LAST_TIME - at)
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


def claim(name: bytes) -> bytes:
    return CLAIMED + name


def claim_email(value: bytes) -> bytes:
    """The row of the email in the value of a claim's row."""
    return value[: 1 + HASH_BYTES]


def claim_record(value: bytes) -> bytes:
    """The key of the record in the value of a claim's row."""
    return value[1 + HASH_BYTES :]


def watermark(source: int) -> bytes:
    return WATERMARKS + _number.pack(source)


def tombstones(offset: int) -> bytes:
    """Tombstones that follow from the record at the offset."""
    return TOMBSTONES + _offset.pack(offset)


def tombstones_offset(key: bytes) -> int:
    return _offset.unpack_from(key, 1)[0]
