"""The memory of idempotency ids: which first attempt a repeat belongs to (contract §14).

An id counts for `REPEAT_WINDOW_MS` by the times of the events that carry it. Its row lies under the profile of its
first attempt, so that a forget finds it, and a second one leads from the id to the profile. A forget leaves the id
itself behind, refused for as long.

Rows that are too old to count are removed by the events that carry ids: by every 64th, by its offset, a few rows
from a key that the id draws, by turns among all rows and among those of the same profile. So there are never many
more rows than a day makes, nothing has to be counted, and the same log gives the same rows.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from projections import keyspace
from projections.storage import Storage
from projections.working_set import WorkingSet
from schemas.events import AboutUser, BatchOpened

REPEAT_WINDOW_MS: Final = 24 * 3600 * 1000
# Clocks of nodes differ: a row is kept for longer than it counts.
_KEPT_MS: Final = REPEAT_WINDOW_MS + 3600 * 1000
_SWEEP_EVERY: Final = 64
_SWEPT: Final = 256
_NO_REQUEST: Final = bytes(16)

_first: Final = struct.Struct(">QQ?16s")
_time: Final = struct.Struct(">Q")
_opened: Final = struct.Struct(">Q16s")


class First(NamedTuple):
    """The first attempt of an id: its profile, time (unix milliseconds), offset, outcome, and request."""

    id: str
    at: int
    offset: int
    created: bool
    fingerprint: str


class Opened(NamedTuple):
    """The first event of a batch: its time in unix milliseconds, and its request."""

    at: int
    fingerprint: str


def counts(then: int, at: int) -> bool:
    """Whether a first attempt of `then` counts for a request of `at`, both in unix milliseconds."""
    return at - then < REPEAT_WINDOW_MS


def attempt_time(row: bytes) -> int:
    """The time of a first attempt by its row, in unix milliseconds."""
    return _first.unpack(row)[0]


def row_time(row: bytes) -> int:
    """The time that the row of a spent id or of a batch begins with, in unix milliseconds."""
    return _time.unpack_from(row)[0]


# ---------------------------------------------------------------------- in the fold


def is_spent(state: WorkingSet, repeat: str, at: int) -> bool:
    """Whether the id is refused, because the user of its first attempt was forgotten."""
    row = state.get(keyspace.spent(repeat))
    return row is not None and counts(_time.unpack(row)[0], at)


def is_repeated(state: WorkingSet, profile: str, repeat: str, at: int) -> bool:
    """Whether an event with the id was folded onto the profile."""
    row = state.get(keyspace.repeat(profile, repeat))
    return row is not None and counts(_first.unpack(row)[0], at)


def remember(
    state: WorkingSet,
    profile: str,
    event: AboutUser,
    offset: int,
    *,
    created: bool,
) -> None:
    """The event is the first attempt of its id."""
    repeat, request = event.idempotency, event.fingerprint
    assert repeat is not None
    hash_ = _NO_REQUEST if request is None else bytes.fromhex(request)
    state.put(keyspace.repeat(profile, repeat), _first.pack(event.at, offset, created, hash_))
    state.put(keyspace.repeated(repeat), bytes.fromhex(profile))
    if offset % _SWEEP_EVERY == 0:
        among = profile if offset // _SWEEP_EVERY % 2 else ""
        _sweep_attempts(state, keyspace.repeats_from(repeat, among), event.at)
        _sweep(state, keyspace.spent(repeat), keyspace.SPENT, event.at)


def erase(state: WorkingSet, profile: str) -> None:
    """Remove what the ids of the profile have left."""
    for key, _ in state.scan(*keyspace.repeats(profile)):
        _remove(state, key)


def refuse(state: WorkingSet, repeat: str, at: int) -> None:
    """The user of the id's first attempt is forgotten."""
    state.put(keyspace.spent(repeat), _time.pack(at))


def open_batch(state: WorkingSet, event: BatchOpened) -> None:
    """The event is the first one of its batch."""
    row = _opened.pack(event.at, bytes.fromhex(event.fingerprint))
    state.put(keyspace.opened(event.id), row)
    _sweep(state, keyspace.opened(event.id), keyspace.OPENED, event.at)


def _sweep_attempts(state: WorkingSet, start: bytes, at: int) -> None:
    for key, row in state.scan_some(start, keyspace.after(keyspace.REPEATS), _SWEPT):
        if at - _first.unpack(row)[0] >= _KEPT_MS:
            _remove(state, key)


def _sweep(state: WorkingSet, start: bytes, prefix: bytes, at: int) -> None:
    """Of rows that begin with their time."""
    for key, row in state.scan_some(start, keyspace.after(prefix), _SWEPT):
        if at - _time.unpack_from(row)[0] >= _KEPT_MS:
            state.delete(key)


def _remove(state: WorkingSet, key: bytes) -> None:
    state.delete(key)
    way = keyspace.repeated(keyspace.repeat_id(key))
    if state.get(way) == keyspace.repeat_profile(key):
        state.delete(way)


# ---------------------------------------------------------------------- for requests


def first_attempt(storage: Storage, repeat: str, at: int) -> First | None:
    """The first attempt of an id, for a request of `at`."""
    profile = storage.get(keyspace.repeated(repeat))
    if profile is None:
        return None
    row = storage.get(keyspace.repeat(profile.hex(), repeat))
    if row is None:
        return None
    then, offset, created, request = _first.unpack(row)
    if not counts(then, at):
        return None
    return First(profile.hex(), then, offset, created, request.hex())


def was_spent(storage: Storage, repeat: str, at: int) -> bool:
    """Whether the id is refused for a request of `at`."""
    row = storage.get(keyspace.spent(repeat))
    return row is not None and counts(_time.unpack(row)[0], at)


def opened_batch(storage: Storage, batch: str, at: int) -> Opened | None:
    """How a batch with an idempotency id began, for a request of `at`."""
    row = storage.get(keyspace.opened(batch))
    if row is None:
        return None
    then, request = _opened.unpack(row)
    return Opened(then, request.hex()) if counts(then, at) else None


def ids(storage: Storage, profile: str, at: int) -> Iterator[str]:
    """The ids of the profile that still count."""
    for key, row in storage.scan(*keyspace.repeats(profile)):
        if counts(_first.unpack(row)[0], at):
            yield keyspace.repeat_id(key)
