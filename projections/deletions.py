"""Deletions as rows: what waits to be purged, whether its rows are gone, and each account's list."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from projections import keyspace
from projections.profile import split
from projections.receipts import (
    Purged,
    Receipt,
    Tombstoned,
    Waiting,
    decode_receipt,
    decode_waiting,
    encode_purged,
    encode_receipt,
    encode_tombstoned,
    encode_waiting,
)
from projections.storage import Storage
from projections.working_set import WorkingSet
from schemas.events import DeletionPurged, DeletionTombstoned, ProfileForgotten


class Deletion(NamedTuple):
    """A deletion that waits to be purged; see `projections.receipts` for the fields.

    `key` is its row's; `offset` is the forget's; `erased` are the offsets of the records that it erased.
    """

    key: bytes
    id: str
    account: str
    requested_at: int
    offset: int
    events: int
    erased: Sequence[int]
    ids: Sequence[str]
    user: bytes
    claims: Sequence[tuple[int, bytes]]


class Unpurged(NamedTuple):
    """How many deletions wait to be purged, and when the first and the last were requested, in unix ms."""

    number: int
    first: int
    last: int


def open_deletion(
    state: WorkingSet,
    event: ProfileForgotten,
    receipt: Receipt,
    ids: list[str],
    claims: list[tuple[int, bytes]],
) -> None:
    """A forget was folded: its receipt, its row in the account's list, and what waits to be purged."""
    id_ = event.deletion
    waiting = Waiting(event.account, event.at, ids, bytes.fromhex(event.user), claims)
    state.put(keyspace.receipt(id_), encode_receipt(receipt))
    state.put(keyspace.deletion(event.account, event.at, id_), b"")
    state.put_waiting(keyspace.waiting(receipt.offset, id_), encode_waiting(waiting))


def tombstone_deletion(state: WorkingSet, event: DeletionTombstoned) -> None:
    """The last tombstone of a deletion has left; the first event that says so counts."""
    if state.get(keyspace.tombstoned(event.id)) is None:
        row = encode_tombstoned(Tombstoned(event.at, event.events))
        state.put(keyspace.tombstoned(event.id), row)


def close_deletion(state: WorkingSet, event: DeletionPurged) -> None:
    """Nothing is left of a deletion; the first event that says so counts."""
    if state.get(keyspace.purged(event.id)) is not None:
        return
    state.put(keyspace.purged(event.id), encode_purged(Purged(event.at, event.events, event.bytes)))
    receipt = state.get(keyspace.receipt(event.id))
    if receipt is not None:
        state.delete(keyspace.waiting(decode_receipt(receipt).offset, event.id))


def has_waiting(storage: Storage) -> bool:
    """Whether anything waits to be purged."""
    return any(
        next(storage.scan(*keyspace.bounds(prefix)), None) is not None
        for prefix in (keyspace.WAITING, keyspace.LATE)
    )


def read_waiting(storage: Storage, start: bytes = keyspace.WAITING) -> Iterator[Deletion]:
    """The deletions that wait to be purged, from the row `start` on, in the order of the log."""
    for key, row in storage.scan(start, keyspace.after(keyspace.WAITING)):
        id_ = keyspace.waiting_id(key)
        receipt = storage.get(keyspace.receipt(id_))
        assert receipt is not None, "one write makes both rows"
        known, waiting = decode_receipt(receipt), decode_waiting(row)
        yield Deletion(
            key,
            id_,
            waiting.account,
            waiting.requested_at,
            known.offset,
            known.events,
            known.erased,
            waiting.ids,
            waiting.user,
            waiting.claims,
        )


def read_late(storage: Storage) -> dict[int, bytes]:
    """The late records that wait to be purged: by offset the profile id or the keyed uid hash."""
    rows = storage.scan(*keyspace.bounds(keyspace.LATE))
    return {keyspace.late_offset(key): whose for key, whose in rows}


def drop_late(storage: Storage, offsets: Iterable[int]) -> None:
    """These late records were seen to be gone."""
    storage.write({keyspace.late(offset): None for offset in offsets})


def count_waiting(storage: Storage) -> Unpurged | None:
    """How many deletions wait to be purged; None when there is none."""
    count, first, last = 0, b"", b""
    for _, row in storage.scan(*keyspace.bounds(keyspace.WAITING)):
        first, last, count = first or row, row, count + 1
    if not count:
        return None
    return Unpurged(count, decode_waiting(first).requested_at, decode_waiting(last).requested_at)


def rows_left(storage: Storage, deletion: Deletion) -> bool:
    """Whether a partition of ``profile-events`` still has a row of what the deletion erased."""
    if any(row is not None for row in storage.get_many([*map(keyspace.user, deletion.ids)])):
        return True
    for id_ in deletion.ids:
        for bounds in (
            keyspace.histories(id_),
            keyspace.repeats(id_),
            keyspace.counters(id_),
            keyspace.occurrences(id_),
        ):
            if next(storage.scan(*bounds), None) is not None:
                return True
    # A user that came back has another profile.
    row = storage.get(keyspace.document(deletion.user))
    return row is not None and split(row)[0].id in deletion.ids


def claims_left(storage: Storage, claims: Sequence[bytes]) -> bool:
    """Whether a partition of the email index still has a row of one of these claims."""
    return any(row is not None for row in storage.get_many([*map(keyspace.claim, claims)]))


def list_deletions(
    storage: Storage, account: str, *, before: bytes | None = None, after: bytes | None = None
) -> Iterator[bytes]:
    """The keys of an account's deletions, the newest first.

    `before` and `after` are such keys, or what `keyspace.deletion` makes of a time alone: only what was
    requested before the one, and after the other.
    """
    start, stop = keyspace.deletions(account)
    start = start if before is None else keyspace.next_key(before)
    for key, _ in storage.scan(start, stop if after is None else after):
        yield key
