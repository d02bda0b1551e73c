"""A profile's history: a row for every record of the log that was folded onto it (rule 1 of `projections.fold`).

The row of the record that created it has no key of its own: it stands in the profile's header, because a row costs the
fold more than its bytes do, and most profiles of a first import have no other.

A row holds the record's key, what the record was to the profile, and its time. A forget names the records by them.
Behind these stand, as JSON, the names that the record changed with their values from before, ``"$unset"`` for one
that was not there, which no property can be. So whoever has the document as it is now can go back to any earlier one
(`projections.past`). The record that created the profile, and one that changed nothing, have nothing there.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from projections import keyspace
from projections.profile import Document, Header, Profile
from projections.working_set import WorkingSet
from schemas.events import ENCODER
from schemas.normalization import UNSET

NOT_THERE: Final = UNSET


class HistoryType:
    """One byte in a history row for the event's type, and whether it was passed over."""

    UPSERTED: Final = 1
    CLEARED: Final = 2
    RELEASED: Final = 3
    DUPLICATE: Final = 4
    REFUSED: Final = 5
    TRACKED: Final = 6
    LEFT: Final = 7
    TRACKED_DUPLICATE: Final = 8


_header: Final = struct.Struct(">32sBQ")
_encode: Final = ENCODER.encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Entry(NamedTuple):
    """A history row. `at` is in unix milliseconds, `type` of `HistoryType`."""

    offset: int
    key: bytes
    type: int
    at: int
    json: bytes

    @classmethod
    def decode(cls, row_key: bytes, row: bytes) -> "Entry":
        key, type_, at = history_row(row)
        return cls(keyspace.history_offset(row_key), key, type_, at, old_values(row))

    @classmethod
    def creation(cls, header: Header) -> "Entry":
        """Of the record that created the profile."""
        return cls(header.created, *history_row(header.creation), b"")

    def before(self) -> Document:
        """The names that the record changed, with their values from before it or `NOT_THERE`."""
        return _decode(self.json) if self.json else {}


def history_row(row: bytes) -> tuple[bytes, int, int]:
    """(event key, type, time in unix milliseconds) of a history row."""
    return _header.unpack_from(row)


def old_values(row: bytes) -> bytes:
    """The JSON in a history row, of the values from before; empty where there are none."""
    return row[_header.size :]


def creation(key: bytes, kind: int, at: int) -> bytes:
    """The row, for the profile's header, of the record that creates it; `at` is in unix milliseconds."""
    return _header.pack(key, kind, at)


def remember(
    state: WorkingSet,
    profile: Profile,
    key: bytes,
    offset: int,
    kind: int,
    at: int,
    before: Mapping[str, Any] | None = None,
) -> None:
    """The record with this key and offset, not the first, was about the profile; `at` is in unix milliseconds.

    `before` has the old value of each name that it changed, `NOT_THERE` where there was none.
    """
    row = _header.pack(key, kind, at)
    state.put(keyspace.history(profile.id, offset), row + _encode(before) if before else row)


def take(state: WorkingSet, profile: Profile) -> list[tuple[int, bytes]]:
    """Remove a profile's history; returns (offset, key) of every record that it named."""
    header = profile.header
    records = [(header.created, history_row(header.creation)[0])]
    for row, value in state.scan(*keyspace.histories(profile.id)):
        records.append((keyspace.history_offset(row), history_row(value)[0]))
        state.delete(row)
    return records
