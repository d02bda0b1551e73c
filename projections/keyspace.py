"""Every RocksDB key, made and read in this one place.

One database holds one partition, so one write is atomic. A key is a prefix byte and fixed-width fields, in
big-endian order where order matters. None holds a uid, an email or a property: RocksDB keeps key bytes in its
MANIFEST until the database is opened again.

======  ==========================  ====================================================
prefix  fields                      value
======  ==========================  ====================================================
``D``   keyed uid hash              header and document (`projections.profile`)
``U``   profile id                  keyed uid hash of its user
``H``   profile id, offset          history row: key, type, time, old values; not of the creating record
``C``   profile id, name hash       counter of a tracked event's name
``V``   profile id, name hash, n    one of its last occurrences
``I``   profile id, idempotency id  first attempt: time, offset, outcome, request
``J``   idempotency id              profile id that its first attempt was about
``N``   batch id                    first event of a batch with an idempotency id
``X``   profile id                  offset of the forget: the id is spent
``S``   idempotency id              time of the forget since which it is refused
``Y``   company id, profile id      nothing: the profile is a member of the company
``G``   company id                  nothing: the company is deleted, nobody joins it any more
``R``   deletion id                 receipt
``T``   deletion id                 time at which its last tombstone left
``P``   deletion id                 time at which it was seen that nothing is left of it
``W``   offset, deletion id         deletion that waits to be purged; the offset is the forget's
``L``   offset                      late record that waits to be purged: profile id or keyed uid hash
``A``   account id, time, del. id   nothing: the account's deletions, the newest first
``B``   batch id                    batch
``O``   offset, number              pack of outbox rows, the last of which has this place
``Q``   offset                      ids of profiles that the search index has still to look at
``Z``   offset                      nothing: a record that could not be decoded
``M``   name                        meta: applied offset, origin of the log
``E``   keyed email hash            claims to the email, in order (email index)
``K``   claim key                   keyed email hash (email index)
======  ==========================  ====================================================
"""

import struct
from typing import Final

APPLIED: Final = b"Mapplied"
ORIGIN: Final = b"Morigin"
OUTBOX: Final = b"O"
USERS: Final = b"U"
CHANGED: Final = b"Q"
COUNTERS: Final = b"C"
GONE: Final = b"G"
MEMBERS: Final = b"Y"
UNDECODED: Final = b"Z"
WAITING: Final = b"W"
LATE: Final = b"L"
# What holds bytes of a user, and has to be compacted once they are erased.
PERSONAL: Final = (b"C", b"D", b"H", b"I", b"J", OUTBOX, b"U", b"V", MEMBERS)
CLAIMS: Final = (b"E", b"K")

# Where the subject stands behind the prefix, if it is not the whole rest of the key.
_SUBJECT: Final = {
    b"C": slice(12),
    b"H": slice(12),
    b"I": slice(12),
    b"V": slice(12),
    b"Y": slice(12, None),
}

_offset: Final = struct.Struct(">Q")
_offset_number: Final = struct.Struct(">cQI")
_LAST_TIME: Final = (1 << 63) - 1


def document(uid_hash: bytes) -> bytes:
    return b"D" + uid_hash


def user(profile_id: str) -> bytes:
    return b"U" + bytes.fromhex(profile_id)


def user_id(key: bytes) -> str:
    """The profile id in a key that `user` made."""
    return key[1:].hex()


def history(profile_id: str, offset: int) -> bytes:
    return b"H" + bytes.fromhex(profile_id) + _offset.pack(offset)


def histories(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a profile's history rows."""
    return _under(b"H" + bytes.fromhex(profile_id))


def history_offset(key: bytes) -> int:
    return _offset.unpack_from(key, 13)[0]


def repeat(profile_id: str, idempotency: str) -> bytes:
    return b"I" + bytes.fromhex(profile_id) + bytes.fromhex(idempotency)


def repeats(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of the idempotency ids that a profile's events carried."""
    return _under(b"I" + bytes.fromhex(profile_id))


def repeat_id(key: bytes) -> str:
    return key[13:].hex()


def repeated(idempotency: str) -> bytes:
    return b"J" + bytes.fromhex(idempotency)


def repeated_id(key: bytes) -> str:
    """The idempotency id in a key that `repeated` made."""
    return key[1:].hex()


def counter(profile_id: str, name_hash: bytes) -> bytes:
    return b"C" + bytes.fromhex(profile_id) + name_hash


def counters(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a profile's counters of tracked events."""
    return _under(b"C" + bytes.fromhex(profile_id))


def occurrence(profile_id: str, name_hash: bytes, place: int) -> bytes:
    return b"V" + bytes.fromhex(profile_id) + name_hash + bytes([place])


def occurrences(profile_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a profile's tracked events."""
    return _under(b"V" + bytes.fromhex(profile_id))


def forgotten(profile_id: str) -> bytes:
    return b"X" + bytes.fromhex(profile_id)


def spent(idempotency: str) -> bytes:
    return b"S" + bytes.fromhex(idempotency)


def member(company_id: str, profile_id: str) -> bytes:
    return MEMBERS + bytes.fromhex(company_id) + bytes.fromhex(profile_id)


def members(company_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a company's members."""
    return _under(MEMBERS + bytes.fromhex(company_id))


def member_id(key: bytes) -> str:
    """The profile of a membership row."""
    return key[13:].hex()


def member_company(key: bytes) -> str:
    """The company of a membership row."""
    return key[1:13].hex()


def gone(company_id: str) -> bytes:
    return GONE + bytes.fromhex(company_id)


def receipt(deletion_id: str) -> bytes:
    return b"R" + bytes.fromhex(deletion_id)


def tombstoned(deletion_id: str) -> bytes:
    return b"T" + bytes.fromhex(deletion_id)


def purged(deletion_id: str) -> bytes:
    return b"P" + bytes.fromhex(deletion_id)


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
        b"A" + bytes.fromhex(account) + _offset.pack(_LAST_TIME - at) + bytes.fromhex(deletion_id)
    )


def deletions(account: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of an account's list of deletions."""
    return _under(b"A" + bytes.fromhex(account))


def deletion_id(key: bytes) -> str:
    """The deletion's id in a key of an account's list."""
    return key[21:].hex()


def batch(batch_id: str) -> bytes:
    return b"B" + bytes.fromhex(batch_id)


def opened(batch_id: str) -> bytes:
    return b"N" + bytes.fromhex(batch_id)


def outbox(offset: int, number: int = 0) -> bytes:
    return _offset_number.pack(OUTBOX, offset, number)


def changed(offset: int) -> bytes:
    return CHANGED + _offset.pack(offset)


def changed_offset(key: bytes) -> int:
    return _offset.unpack_from(key, 1)[0]


def undecoded(offset: int) -> bytes:
    return UNDECODED + _offset.pack(offset)


def email(email_hash: bytes) -> bytes:
    return b"E" + email_hash


def claim(claim_key: bytes) -> bytes:
    return b"K" + claim_key


def subject(key: bytes) -> tuple[bytes, bytes]:
    """(prefix, the id, keyed hash or claim key that a row is about, where it is about somebody)."""
    prefix, rest = key[:1], key[1:]
    return prefix, rest[_SUBJECT.get(prefix, slice(None))]


def after(prefix: bytes) -> bytes:
    """The first key behind all that start with `prefix`, whose last byte is below 255."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _under(prefix: bytes) -> tuple[bytes, bytes]:
    return prefix, prefix + b"\xff" * 21
