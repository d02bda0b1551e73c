"""Tracked events of a profile: how often each name, when first and last, and the last ones (contract §11).

A name has a counter, and its last `KEPT` occurrences are a ring, so that an event reads one row and
writes two whatever came before it.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

from projections import keyspace
from projections.storage import Storage
from projections.working_set import WorkingSet
from schemas.events import EventTracked
from schemas.identity import tracked_id

KEPT: Final = 10


class Counter(msgspec.Struct, array_like=True, frozen=True):
    """Times are those of the first and the last event in the log, in unix milliseconds."""

    name: str
    count: int
    first_at: int
    last_at: int


class Occurrence(msgspec.Struct, array_like=True, frozen=True):
    """One tracked event: its id, its time in unix milliseconds, its properties."""

    id: str
    at: int
    properties: dict[str, Any]


class Tracked(NamedTuple):
    """What is known of one name; `last` holds at most `KEPT` events, the newest first."""

    counter: Counter
    last: list[Occurrence]


_encode: Final = msgspec.msgpack.Encoder().encode
_counter: Final = msgspec.msgpack.Decoder(Counter).decode
_occurrence: Final = msgspec.msgpack.Decoder(Occurrence).decode


def track(
    state: WorkingSet, profile: str, event: EventTracked, name_hash: bytes, key: bytes
) -> None:
    """Count an event of the profile with this id; `key` is the event's own."""
    counter_key = keyspace.counter(profile, name_hash)
    row = state.get(counter_key)
    before = Counter(event.name, 0, event.at, event.at) if row is None else _counter(row)
    after = Counter(before.name, before.count + 1, before.first_at, event.at)
    state.put(counter_key, _encode(after))
    occurrence = Occurrence(tracked_id(profile, key), event.at, event.properties)
    ring_key = keyspace.occurrence(profile, name_hash, before.count % KEPT)
    state.put(ring_key, _encode(occurrence))


def erase(state: WorkingSet, profile: str) -> None:
    """Remove the profile's tracked events."""
    for bounds in (keyspace.counters(profile), keyspace.occurrences(profile)):
        for key, _ in state.scan(*bounds):
            state.delete(key)


def has_any(storage: Storage) -> bool:
    """Whether anything was tracked of anybody."""
    return next(storage.scan(*keyspace.bounds(keyspace.COUNTERS)), None) is not None


def counter_rows(storage: Storage, profile: str) -> list[bytes]:
    """What is kept of how often and when, undecoded (`decode_counters`), of the profile with this id."""
    return [row for _, row in storage.scan(*keyspace.counters(profile))]


def decode_counters(rows: Iterable[bytes]) -> dict[str, Counter]:
    """The counters by the names of the events."""
    return {counter.name: counter for counter in map(_counter, rows)}


def counters(storage: Storage, profile: str) -> dict[str, Counter]:
    """By name, how often and when, of the profile with this id."""
    return decode_counters(counter_rows(storage, profile))


def read(storage: Storage, profile: str) -> dict[str, Tracked]:
    """By name, counts and the last ones, of the profile with this id."""
    return _read(
        storage.scan(*keyspace.counters(profile)), storage.scan(*keyspace.occurrences(profile))
    )


def read_some(
    storage: Storage, profile: str, after: bytes, count: int
) -> tuple[dict[str, Tracked], bytes | None]:
    """What `read` gives of at most `count` names; and where the next call goes on `after`, None at the end.

    A first call begins after b"".
    """
    start, stop = keyspace.counters(profile)
    begin = keyspace.next_key(keyspace.counter(profile, after)) if after else start
    counted = list(islice(storage.scan(begin, stop), count))
    if not counted:
        return {}, None
    first, last = keyspace.name_hash(counted[0][0]), keyspace.name_hash(counted[-1][0])
    bounds = (keyspace.occurrence(profile, first, 0), keyspace.occurrence(profile, last, KEPT))
    return _read(counted, storage.scan(*bounds)), last


def _read(
    counted: Iterable[tuple[bytes, bytes]], occurred: Iterable[tuple[bytes, bytes]]
) -> dict[str, Tracked]:
    rings: dict[bytes, dict[int, Occurrence]] = {}
    for key, row in occurred:
        ring = rings.setdefault(keyspace.name_hash(key), {})
        ring[keyspace.ring_index(key)] = _occurrence(row)
    found: dict[str, Tracked] = {}
    for key, row in counted:
        counter = _counter(row)
        ring = rings[keyspace.name_hash(key)]
        newest = range(counter.count - 1, counter.count - 1 - len(ring), -1)
        found[counter.name] = Tracked(counter, [ring[number % KEPT] for number in newest])
    return found
