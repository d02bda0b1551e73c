"""A row that differs, described so that an operator can find it: its kind, ids and offset, and never its value."""

from typing import Final, Literal, TypeAlias

import msgspec

from projections import keyspace
from projections.auditing import key_fields
from projections.email_index import last_claimant
from projections.profile import split
from projections.receipts import decode_receipt

How: TypeAlias = Literal["differs", "missing", "not in the log"]


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """`missing`: a replay has the row and the live state has not; `not in the log`: the other way round.

    Of the ids there are those that the row has. `offset` is that of the record that the row speaks of.
    """

    row: str
    how: How
    profile: str | None = None
    deletion: str | None = None
    batch: str | None = None
    company: str | None = None
    offset: int | None = None


_KINDS: Final = {
    keyspace.DELETIONS: "deletion in its account's list",
    keyspace.BATCHES: "batch",
    keyspace.COUNTERS: "counter of a tracked event",
    keyspace.DOCUMENTS: "document",
    keyspace.EMAILS: "email index",
    keyspace.GONE: "deleted company",
    keyspace.HISTORY: "history",
    keyspace.REPEATS: "first attempt",
    keyspace.REPEATED: "first attempt, by its id",
    keyspace.CLAIMED: "email claim",
    keyspace.WATERMARKS: "watermark of a source of claims",
    keyspace.OPENED: "batch with an idempotency id",
    keyspace.PURGED: "receipt: purged",
    keyspace.RECEIPTS: "receipt",
    keyspace.SPENT: "spent idempotency id",
    keyspace.TOMBSTONED: "receipt: tombstoned",
    keyspace.USERS: "user of a profile id",
    keyspace.OCCURRENCES: "tracked event",
    keyspace.WAITING: "deletion that waits to be purged",
    keyspace.FORGOTTEN: "forgotten id",
    keyspace.MEMBERS: "membership",
    keyspace.UNDECODED: "undecodable record",
}
_UNKNOWN: Final = "row of a kind that this version does not know"
_SHOWN: Final = frozenset(Difference.__struct_fields__)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, IndexError)


def describe(how: How, key: bytes, live: bytes | None, replay: bytes | None) -> Difference:
    """What is different of the row; what the log says of it goes before what the live state says."""
    prefix = keyspace.prefix_of(key)
    facts = {name: value for name, value in key_fields.fields(key).items() if name in _SHOWN}
    for value in (live, replay):
        if value is not None:
            facts |= _facts_of(prefix, value)
    return msgspec.convert({"row": _KINDS.get(prefix, _UNKNOWN), "how": how, **facts}, Difference)


def _facts_of(prefix: bytes, value: bytes) -> dict[str, str | int]:
    """The profile that the row is about, as far as its value says; nothing when it cannot be read."""
    try:
        match prefix:
            case keyspace.DOCUMENTS:
                header, _ = split(value)
                return {"profile": header.id, "offset": header.version}
            case keyspace.EMAILS:
                claimant = last_claimant(value)
                return {} if claimant is None else {"profile": claimant.id}
            case keyspace.REPEATED:
                return {"profile": value.hex()}
            case keyspace.RECEIPTS:
                receipt = decode_receipt(value)
                return {"profile": receipt.profile, "offset": receipt.offset}
            case keyspace.FORGOTTEN:
                return {"offset": int.from_bytes(value)}
            case _:
                return {}
    except _UNREADABLE:
        return {}
