"""What stands in the keys of each kind of rows: for auditors, who show keys to people."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from projections import keyspace

FieldValue: TypeAlias = str | int | bytes

_OFFSET_BYTES: Final = 8


class _Field(NamedTuple):
    """A field of a key: its name, its bytes, None for all that is left, and what reads it."""

    name: str
    width: int | None
    read: Callable[[bytes], FieldValue]


def _time_of(field: bytes) -> int:
    return keyspace.LAST_TIME - int.from_bytes(field)


_PROFILE: Final = _Field("profile", keyspace.ID_BYTES, bytes.hex)
_COMPANY: Final = _Field("company", keyspace.ID_BYTES, bytes.hex)
_DELETION: Final = _Field("deletion", keyspace.ID_BYTES, bytes.hex)
_ACCOUNT: Final = _Field("account", keyspace.ID_BYTES, bytes.hex)
_BATCH: Final = _Field("batch", keyspace.ID_BYTES, bytes.hex)
_IDEMPOTENCY: Final = _Field("idempotency", keyspace.HASH_BYTES, bytes.hex)
_NAME_HASH: Final = _Field("name_hash", keyspace.HASH_BYTES, bytes)
_RING_INDEX: Final = _Field("ring_index", 1, int.from_bytes)
_OFFSET: Final = _Field("offset", _OFFSET_BYTES, int.from_bytes)
_NUMBER: Final = _Field("number", 4, int.from_bytes)
_SOURCE: Final = _Field("source", 4, int.from_bytes)
_TIME: Final = _Field("time", _OFFSET_BYTES, _time_of)
_USER: Final = _Field("user", None, bytes)
_EMAIL: Final = _Field("email", None, bytes)
_CLAIM: Final = _Field("claim", None, bytes)
_NAME: Final = _Field("name", None, bytes)

_FIELDS: Final[Mapping[bytes, tuple[_Field, ...]]] = {
    keyspace.DOCUMENTS: (_USER,),
    keyspace.USERS: (_PROFILE,),
    keyspace.HISTORY: (_PROFILE, _OFFSET),
    keyspace.COUNTERS: (_PROFILE, _NAME_HASH),
    keyspace.OCCURRENCES: (_PROFILE, _NAME_HASH, _RING_INDEX),
    keyspace.REPEATS: (_PROFILE, _IDEMPOTENCY),
    keyspace.REPEATED: (_IDEMPOTENCY,),
    keyspace.OPENED: (_BATCH,),
    keyspace.FORGOTTEN: (_PROFILE,),
    keyspace.SPENT: (_IDEMPOTENCY,),
    keyspace.MEMBERS: (_COMPANY, _PROFILE),
    keyspace.GONE: (_COMPANY,),
    keyspace.RECEIPTS: (_DELETION,),
    keyspace.TOMBSTONED: (_DELETION,),
    keyspace.PURGED: (_DELETION,),
    keyspace.WAITING: (_OFFSET, _DELETION),
    keyspace.LATE: (_OFFSET,),
    keyspace.DELETIONS: (_ACCOUNT, _TIME, _DELETION),
    keyspace.BATCHES: (_BATCH,),
    keyspace.OUTBOX: (_OFFSET, _NUMBER),
    keyspace.CHANGED: (_OFFSET,),
    keyspace.UNDECODED: (_OFFSET,),
    keyspace.META: (_NAME,),
    keyspace.EMAILS: (_EMAIL,),
    keyspace.CLAIMED: (_CLAIM,),
    keyspace.WATERMARKS: (_SOURCE,),
    keyspace.TOMBSTONES: (_OFFSET,),
}


def fields(key: bytes) -> dict[str, FieldValue]:
    """What stands in a key, by name, in its order: ids in hex, keyed hashes and claim keys as bytes, numbers.

    Of a kind that this version does not know, nothing.
    """
    found: dict[str, FieldValue] = {}
    start = 1
    for name, width, read in _FIELDS.get(keyspace.prefix_of(key), ()):
        stop = len(key) if width is None else start + width
        found[name] = read(key[start:stop])
        start = stop
    return found
