"""The email index of one partition: which profile holds which email (design "Email index").

The winner is the last claim, in the order of first records, among those that were not withdrawn: no versions, no
clocks, so that a replay of a half-compacted topic gives the same.

Claims and withdrawals are plain appends, so each may stand in the log more than once. Of one source they arrive in the
order of their places (`schemas.events.Place`) but for repeats:

1. A record whose place is at or below its source's watermark is a repeat: it is dropped and gets a tombstone.
2. A withdrawal removes the claim of its name; the claim's record gets a tombstone. The withdrawal's own record gets one
   when a later record of its source is taken: until then it stands for the watermark.
3. A tombstone in the log removes the claim of that record, if it is there: a replay may have taken a repeat.
4. A replay makes all tombstones again, and no release below the relay's progress.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from projections import keyspace, outbox
from projections.partition import PartitionState, Record, slices
from projections.storage import Storage
from projections.working_set import WorkingSet
from schemas.events import (
    EmailClaimed,
    EmailRecord,
    EmailReleased,
    EmailWithdrawn,
    Place,
    UndecodableRecord,
    decode_email_record,
    encode,
)
from schemas.identity import claim_name, is_id
from schemas.timestamps import LAST_TIMESTAMP

EMAIL_LAYOUT: Final = 9


class Claimant(msgspec.Struct, array_like=True, frozen=True):
    """A claim in the index: its name and its profile."""

    claim: bytes
    id: str


class Watermark(msgspec.Struct, array_like=True, frozen=True):
    """The greatest place that was taken of a source; `withdrawal` is that record's key where it is a withdrawal."""

    offset: int
    number: int
    withdrawal: bytes = b""


class Waiting(msgspec.Struct, array_like=True, frozen=True):
    """Tombstones, by the keys of their records, that follow from a record; of a repeat it is its own one."""

    keys: list[bytes]
    of_repeat: bool = False


class Folded(NamedTuple):
    """A record was folded that speaks of a claim; `lost` is the claim whose release is in the outbox for it.

    A release below the relay's progress has left already and is not named: `streams.partition.settlement` waits for it.
    `is_known` says that the claim was folded before, or is withdrawn: its release, if it has one, may still be open.
    """

    claim: bytes
    lost: bytes | None
    is_known: bool = False


_claimants: Final = msgspec.msgpack.Decoder(list[Claimant])
_decode_waiting: Final = msgspec.msgpack.Decoder(Waiting).decode
decode_watermark: Final = msgspec.msgpack.Decoder(Watermark).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def last_claimant(row: bytes) -> Claimant | None:
    """The claim that holds the email of a row of the index."""
    claimants = _claimants.decode(row)
    return claimants[-1] if claimants else None


class EmailState(PartitionState):
    """One partition of ``profile-emails``, folded."""

    def apply(self, records: Sequence[Record]) -> list[Folded]:
        """Fold consecutive records; what is applied already is passed over."""
        return [folded for slice_ in slices(records) for folded in self._apply(slice_)]

    def _apply(self, records: Sequence[Record]) -> list[Folded]:
        self.note_holes(records)
        state = WorkingSet(self.storage, self.published)
        new: list[tuple[Record, EmailRecord | None]] = []
        for record in records:
            if record.offset <= self.applied:
                continue
            if self.set_aside and record.offset in self.set_aside:
                # It may name a profile, so it must not stay.
                _tombstone(state, record.offset, record.key)
                continue
            try:
                event = None if record.value is None else decode_email_record(record.value)
            except UndecodableRecord:
                self.undecoded += 1
                state.put(keyspace.undecoded(record.offset), b"")
            else:
                if event is not None:
                    _check(event)
                new.append((record, event))
        _prefetch(state, new)
        folded = [fact for record, event in new if (fact := _fold(state, record, event))]
        if records and records[-1].offset > self.applied:
            self.commit(state.rows(), records[-1].offset)
        return folded

    def holder(self, email: bytes) -> str | None:
        """The id of the profile that the email, by its keyed hash, leads to."""
        row = self.storage.get(keyspace.email(email))
        holder = None if row is None else last_claimant(row)
        return None if holder is None else holder.id

    def drop_tombstones(self, offsets: Sequence[int]) -> None:
        """The tombstones that follow from these records are in the log."""
        self.storage.write({keyspace.tombstones(offset): None for offset in offsets})


def waiting_tombstones(storage: Storage, start: int = 0) -> Iterator[tuple[int, Waiting]]:
    """Offsets of records that tombstones follow from, and these tombstones, in the order of the log.

    Those below `start` are left out, at no cost.
    """
    stop = keyspace.after(keyspace.TOMBSTONES)
    for key, row in storage.scan(keyspace.tombstones(start), stop):
        yield keyspace.tombstones_offset(key), _decode_waiting(row)


def _prefetch(state: WorkingSet, new: Sequence[tuple[Record, EmailRecord | None]]) -> None:
    """Read at once the rows that folding these records needs."""
    claims = [
        keyspace.claim(claim_name(record.key))
        for record, event in new
        if not isinstance(event, EmailClaimed)
    ]
    state.prefetch_rows(claims)
    emails = [_email_row(event) for _, event in new if isinstance(event, EmailClaimed)]
    held = map(keyspace.claim_email, filter(None, map(state.get, claims)))
    sources = {keyspace.watermark(place[0]) for _, event in new if (place := _place(event))}
    state.prefetch_rows([*emails, *held, *sources])


def _check(event: EmailRecord) -> None:
    """Raises ValueError for a claim whose release could not be folded, or would have nowhere to go."""
    if isinstance(event, EmailClaimed) and not (
        is_id(event.id) and 0 <= event.at <= LAST_TIMESTAMP
    ):
        raise ValueError("not a claim of a profile")
    place = _place(event)
    if place is not None and not (0 <= place[0] < 1 << 31 and min(place) >= 0):
        raise ValueError("not the place of an output")


def _place(event: EmailRecord | None) -> Place | None:
    if isinstance(event, EmailClaimed):
        return event.place
    return None if event is None else event.withdrawn


def _email_row(event: EmailClaimed) -> bytes:
    return keyspace.email(bytes.fromhex(event.email))


def _fold(state: WorkingSet, record: Record, event: EmailRecord | None) -> Folded | None:
    """None when nothing follows for whoever waits for a claim."""
    name = claim_name(record.key)
    if event is None:
        return None if _drop(state, name, record.key) else Folded(name, None, is_known=True)
    place = _place(event)
    if place is not None and not _take(state, record, place, isinstance(event, EmailWithdrawn)):
        return Folded(name, None, is_known=True)
    if isinstance(event, EmailClaimed):
        return _claim(state, name, record, event)
    row = state.get(keyspace.claim(name))
    if row is None:
        return Folded(name, None, is_known=True)
    _remove(state, name, row)
    _tombstone(state, record.offset, keyspace.claim_record(row))
    return None


def _take(state: WorkingSet, record: Record, place: Place, is_withdrawal: bool) -> bool:
    """Rules 1 and 2: whether the record is no repeat; the watermark of its source moves to its place."""
    source, offset, number = place
    key = keyspace.watermark(source)
    row = state.get(key)
    if row is not None:
        before = decode_watermark(row)
        if (offset, number) <= (before.offset, before.number):
            _tombstone(state, record.offset, record.key, of_repeat=True)
            return False
        if before.withdrawal:
            _tombstone(state, record.offset, before.withdrawal)
    state.put(key, _encode(Watermark(offset, number, record.key if is_withdrawal else b"")))
    return True


def _claim(state: WorkingSet, name: bytes, record: Record, event: EmailClaimed) -> Folded:
    row = _email_row(event)
    claimants = _read(state.get(row))
    holder = claimants[-1] if claimants else None
    claimants.append(Claimant(name, event.id))
    state.put(row, _encode(claimants))
    state.put(keyspace.claim(name), row + record.key)
    if holder is None or holder.id == event.id or not state.publishes(record.offset):
        return Folded(name, None)
    release = EmailReleased(
        account=event.account,
        at=event.at,
        id=holder.id,
        claim=holder.claim.decode(),
        by=name.decode(),
    )
    state.emit(record.offset, outbox.Release(holder.id, encode(release)))
    return Folded(name, holder.claim)


def _drop(state: WorkingSet, name: bytes, record_key: bytes) -> bool:
    """Rule 3; False when the claim of the record is not there: it was withdrawn, or compaction was faster."""
    row = state.get(keyspace.claim(name))
    if row is None or keyspace.claim_record(row) != record_key:
        return False
    _remove(state, name, row)
    return True


def _remove(state: WorkingSet, name: bytes, claim_row: bytes) -> None:
    state.delete(keyspace.claim(name))
    row = keyspace.claim_email(claim_row)
    rest = [claimant for claimant in _read(state.get(row)) if claimant.claim != name]
    if rest:
        state.put(row, _encode(rest))
    else:
        state.delete(row)


def _tombstone(
    state: WorkingSet, offset: int, record_key: bytes, *, of_repeat: bool = False
) -> None:
    """A tombstone follows from the record at the offset."""
    row = keyspace.tombstones(offset)
    before = state.get_own(row)
    keys = _decode_waiting(before).keys if before else []
    state.put(row, _encode(Waiting([*keys, record_key], of_repeat)))


def _read(row: bytes | None) -> list[Claimant]:
    return [] if row is None else _claimants.decode(row)
