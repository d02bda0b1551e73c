"""A profile's history: a row for every record of the log that was folded onto it (rule 1 of `projections.fold`).

A row holds the record's key, what the record was to the profile, and its time. A forget names the records by them.
"""

import struct
from typing import Final

from projections import keyspace
from projections.profile import Profile
from projections.working_set import WorkingSet


class HistoryType:
    """One byte in a history row for the event's type."""

    UPSERTED: Final = 1
    CLEARED: Final = 2
    RELEASED: Final = 3
    DUPLICATE: Final = 4
    REFUSED: Final = 5
    TRACKED: Final = 6
    LEFT: Final = 7


_history: Final = struct.Struct(">32sBQ")


def history_row(row: bytes) -> tuple[bytes, int, int]:
    """(event key, type, time in unix milliseconds) of a history row."""
    return _history.unpack(row)


def remember(
    state: WorkingSet, profile: Profile, key: bytes, offset: int, kind: int, at: int
) -> None:
    """The record with this key and offset was about the profile; `at` is in unix milliseconds."""
    state.put(keyspace.history(profile.id, offset), _history.pack(key, kind, at))


def take(state: WorkingSet, profile: Profile) -> list[tuple[int, bytes]]:
    """Remove a profile's history; returns (offset, key) of every record that it named."""
    records: list[tuple[int, bytes]] = []
    for row, value in state.scan(*keyspace.histories(profile.id)):
        records.append((keyspace.history_offset(row), history_row(value)[0]))
        state.delete(row)
    return records
