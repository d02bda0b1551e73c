"""Every RocksDB key, made and read in this one place.

One database holds one partition, so one write is atomic. A key is a prefix byte and fixed-width fields, in
big-endian order where order matters. None holds a uid, an email or a property: RocksDB keeps key bytes in its
MANIFEST until the database is opened again.

======  ==========================  ====================================================
prefix  fields                      value
======  ==========================  ====================================================
``D``   keyed uid hash              header and document (`projections.profile`)
``U``   profile id                  keyed uid hash of its user
``H``   profile id, offset          history row: key, type, time
``I``   profile id, idempotency id  time of the event that carried it
``X``   profile id                  offset of the forget: the id is spent
``S``   keyed uid hash, idem. id    nothing: refused, its user was forgotten
``C``   company id, profile id      nothing: the profile is a member of the company
``G``   company id                  nothing: the company is deleted, nobody joins it any more
``R``   deletion id                 receipt
``T``   deletion id                 time at which its last tombstone left
``B``   batch id                    batch
``O``   offset, number              outbox row
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
UNDECODED: Final = b"Z"

_offset: Final = struct.Struct(">Q")
_offset_number: Final = struct.Struct(">cQI")


def document(uid_hash: bytes) -> bytes:
    return b"D" + uid_hash


def user(profile_id: str) -> bytes:
    return b"U" + bytes.fromhex(profile_id)


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


def forgotten(profile_id: str) -> bytes:
    return b"X" + bytes.fromhex(profile_id)


def spent(uid_hash: bytes, idempotency: str) -> bytes:
    return b"S" + uid_hash + bytes.fromhex(idempotency)


def member(company_id: str, profile_id: str) -> bytes:
    return b"C" + bytes.fromhex(company_id) + bytes.fromhex(profile_id)


def members(company_id: str) -> tuple[bytes, bytes]:
    """Bounds, for a scan, of a company's members."""
    return _under(b"C" + bytes.fromhex(company_id))


def member_id(key: bytes) -> str:
    """The profile of a membership row."""
    return key[13:].hex()


def gone(company_id: str) -> bytes:
    return b"G" + bytes.fromhex(company_id)


def receipt(deletion_id: str) -> bytes:
    return b"R" + bytes.fromhex(deletion_id)


def tombstoned(deletion_id: str) -> bytes:
    return b"T" + bytes.fromhex(deletion_id)


def batch(batch_id: str) -> bytes:
    return b"B" + bytes.fromhex(batch_id)


def outbox(offset: int, number: int = 0) -> bytes:
    return _offset_number.pack(OUTBOX, offset, number)


def outbox_place(key: bytes) -> tuple[int, int]:
    """(offset, number) of an outbox row."""
    _, offset, number = _offset_number.unpack(key)
    return offset, number


def undecoded(offset: int) -> bytes:
    return UNDECODED + _offset.pack(offset)


def email(email_hash: bytes) -> bytes:
    return b"E" + email_hash


def claim(claim_key: bytes) -> bytes:
    return b"K" + claim_key


def after(prefix: bytes) -> bytes:
    """The first key behind all that start with `prefix`, whose last byte is below 255."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _under(prefix: bytes) -> tuple[bytes, bytes]:
    return prefix, prefix + b"\xff" * 17
