"""The email index of one partition: which profile holds which email (design "Email index").

The winner is the last claim by position among the claims without a tombstone: no versions, no clocks,
so that a replay of a half-compacted topic gives the same.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from projections import keyspace, outbox
from projections.partition import PartitionState, Record, slices
from projections.working_set import WorkingSet
from schemas.events import (
    EmailClaimed,
    EmailReleased,
    UndecodableRecord,
    decode_record,
    encode,
)
from schemas.identity import is_id
from schemas.timestamps import LAST_TIMESTAMP


class Claimant(msgspec.Struct, array_like=True, frozen=True):
    """A claim in the index: its key and its profile."""

    claim: bytes
    id: str


class Folded(NamedTuple):
    """A claim was folded; `lost` is the other profile's claim whose release is in the outbox for it.

    A release below the relay's progress has left already and is not named: `streams.partition.settlement` waits for it.
    """

    claim: bytes
    lost: bytes | None


_claimants: Final = msgspec.msgpack.Decoder(list[Claimant])
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
        state = WorkingSet(self.storage, self.published)
        new: list[tuple[Record, EmailClaimed | None]] = []
        for record in records:
            if record.offset <= self.applied:
                continue
            if self.set_aside and record.offset in self.set_aside:
                # It may name a profile, so it must not stay.
                state.emit(record.offset, outbox.ClaimTombstone(self.partition, record.key))
                continue
            try:
                event = None if record.value is None else decode_record(record.value, EmailClaimed)
            except UndecodableRecord:
                self.undecoded += 1
                state.put(keyspace.undecoded(record.offset), b"")
            else:
                if event is not None:
                    _check(event)
                new.append((record, event))
        _prefetch(state, new)
        folded: list[Folded] = []
        for record, event in new:
            if event is not None:
                folded.append(_claim(state, record.key, event, record.offset))
            elif not _withdraw(state, record.key):
                folded.append(Folded(record.key, None))
        if records and records[-1].offset > self.applied:
            self.commit(state.rows(), records[-1].offset)
        return folded

    def holder(self, email: bytes) -> str | None:
        """The id of the profile that the email, by its keyed hash, leads to."""
        row = self.storage.get(keyspace.email(email))
        holder = None if row is None else last_claimant(row)
        return None if holder is None else holder.id


def _prefetch(state: WorkingSet, new: Sequence[tuple[Record, EmailClaimed | None]]) -> None:
    """Read at once the rows that folding these claims and tombstones needs."""
    withdrawn = [keyspace.claim(record.key) for record, event in new if event is None]
    state.prefetch_rows(withdrawn)
    emails = [_email_row(event) for _, event in new if event is not None]
    state.prefetch_rows([*emails, *filter(None, map(state.get, withdrawn))])


def _check(event: EmailClaimed) -> None:
    """Raises ValueError for a claim whose release could not be folded, or would have nowhere to go."""
    if not (is_id(event.id) and 0 <= event.at <= LAST_TIMESTAMP):
        raise ValueError("not a claim of a profile")


def _email_row(event: EmailClaimed) -> bytes:
    return keyspace.email(bytes.fromhex(event.email))


def _claim(state: WorkingSet, key: bytes, event: EmailClaimed, offset: int) -> Folded:
    row = _email_row(event)
    claimants = _read(state.get(row))
    holder = claimants[-1] if claimants else None
    claimants.append(Claimant(key, event.id))
    state.put(row, _encode(claimants))
    state.put(keyspace.claim(key), row)
    if holder is None or holder.id == event.id or not state.publishes(offset):
        return Folded(key, None)
    release = EmailReleased(
        account=event.account,
        at=event.at,
        id=holder.id,
        claim=holder.claim.decode(),
        by=key.decode(),
    )
    state.emit(offset, outbox.Release(holder.id, encode(release)))
    return Folded(key, holder.claim)


def _withdraw(state: WorkingSet, claim: bytes) -> bool:
    """A tombstone: the claim is no longer current. False when it never came: compaction was faster."""
    row = state.get(keyspace.claim(claim))
    if row is None:
        return False
    state.delete(keyspace.claim(claim))
    rest = [claimant for claimant in _read(state.get(row)) if claimant.claim != claim]
    if rest:
        state.put(row, _encode(rest))
    else:
        state.delete(row)
    return True


def _read(row: bytes | None) -> list[Claimant]:
    return [] if row is None else _claimants.decode(row)
