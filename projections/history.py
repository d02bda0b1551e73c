"""A profile's history: a row for every record of the log that was folded onto it (rule 1 of `projections.fold`).

The row of the record that created it has no key of its own: it stands in the profile's header, because a row costs the
fold more than its bytes do, and most profiles of a first import have no other.

A row holds the record's key, what the record was to the profile, and its time. A forget names the records by them.
Behind these stand, as JSON, the names that the record changed with their values from before, ``"$unset"`` for one
that was not there, which no property can be. From the document as it is now these lead back to any earlier one
(`undo`, `projections.as_of`). The record that created the profile, and one that changed nothing, have nothing there.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from projections import keyspace
from projections.profile import Document, Header, Profile
from projections.stamp import Stamp
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


# The event's type, as the log has it.
EVENT_TYPES: Final = {
    HistoryType.UPSERTED: "profile-upserted",
    HistoryType.CLEARED: "profile-cleared",
    HistoryType.RELEASED: "profile-email-released",
    HistoryType.DUPLICATE: "profile-upserted",
    HistoryType.REFUSED: "profile-upserted",
    HistoryType.TRACKED: "event-tracked",
    HistoryType.LEFT: "profile-company-left",
    HistoryType.TRACKED_DUPLICATE: "event-tracked",
}
# Why a record was passed over, by the fold's verdict.
PASSED_OVER: Final = {
    HistoryType.DUPLICATE: "duplicate",
    HistoryType.REFUSED: "too_large",
    HistoryType.TRACKED_DUPLICATE: "duplicate",
}
# What every profile has from its creation on, whatever was sent.
_GIVEN: Final = ("id", "uid", "created_at", "updated_at", "percent")

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


def creation(stamp: Stamp, kind: int) -> bytes:
    """The row, for the profile's header, of the record that creates it."""
    return _header.pack(stamp.key, kind, stamp.at)


def remember(
    state: WorkingSet,
    profile: Profile,
    stamp: Stamp,
    kind: int,
    old: Mapping[str, Any] | None = None,
) -> None:
    """Add the row of a record, not the first, that is about the profile.

    `old` has the old value of each name that it changed, `NOT_THERE` where there was none.
    """
    row = _header.pack(stamp.key, kind, stamp.at)
    state.put(keyspace.history(profile.id, stamp.offset), row + _encode(old) if old else row)


def erase(state: WorkingSet, profile: Profile) -> list[tuple[int, bytes]]:
    """Remove a profile's history; returns (offset, key) of every record that it named."""
    header = profile.header
    records = [(header.created, history_row(header.creation)[0])]
    for row, value in state.scan(*keyspace.histories(profile.id)):
        records.append((keyspace.history_offset(row), history_row(value)[0]))
        state.delete(row)
    return records


def undo(entry: Entry, document: Document, created: int) -> dict[str, list[Any]]:
    """Take the document from behind a record back to before it; returns, by name, the old and the new value.

    A side that was not there is None. `created` is the offset of the record that created the profile. The names are
    those that the public document calls changed (contract §13).
    """
    if entry.offset == created:
        return {name: [None, value] for name, value in document.items() if name not in _GIVEN}
    changes: dict[str, list[Any]] = {}
    for name, old in entry.before().items():
        new = document.pop(name, None)
        if old != NOT_THERE:
            changes[name] = [old, new]
            document[name] = old
        elif entry.type != HistoryType.CLEARED or new is not None:
            # A clear makes null what was never there, too, which is nobody's change.
            changes[name] = [None, new]
    return changes
