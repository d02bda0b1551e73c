"""RocksDB alone: the look-ups and the rows of new profiles, as their fold asks for them and writes them.

Run: python -m benchmarks.budget.floors.rocksdb COUNT CORE, which prints the floors of each batch as JSON.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.interpreter import tune_garbage_collector
from benchmarks.budget.cores import bind
from benchmarks.budget.floors.floor import Floor, Stopwatch
from benchmarks.budget.floors.items import BODIES, make_items
from benchmarks.email_records import LogRecord
from projections.partition import Origin, slices
from projections.profiles import ProfileState
from projections.storage import RocksStorage
from schemas.events import encode
from schemas.identity import KEY_BYTES, Identity, event_keys


class RocksFloors(NamedTuple):
    """Of each profile of a batch: its share of the look-ups before, and of the write of a hundred together."""

    look_up: Floor
    write: Floor


class _Slice:
    """What the fold of a slice of 100 events asks for, and what it writes."""

    def __init__(self) -> None:
        self.keys: list[Sequence[bytes]] = []
        self.rows: list[Mapping[bytes, bytes | None]] = []


class _RecordingStorage(RocksStorage):
    """Notes what it is asked for and given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.slice = _Slice()

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        self.slice.keys.append(list(keys))
        return super().get_many(keys)

    def write(self, rows: Mapping[bytes, bytes | None]) -> None:
        self.slice.rows.append(dict(rows))
        super().write(rows)


def measure_rocksdb(count: int) -> dict[int, RocksFloors]:
    """By the size of the batch; `count` new profiles of each are written into an empty folder."""
    tune_garbage_collector()
    return {size: _measure(size, count) for size in BODIES}


def _measure(size: int, count: int) -> RocksFloors:
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        folded = list(_fold(size, count, Path(folder) / "folded"))
        storage = RocksStorage(Path(folder) / "again")
        look_up, write = Stopwatch(), Stopwatch()
        for each in folded:
            with look_up.running():
                for keys in each.keys:
                    storage.get_many(keys)
            with write.running():
                for rows in each.rows:
                    storage.write(rows)
        storage.close()
    return RocksFloors(look_up.floor(count), write.floor(count))


def _fold(size: int, count: int, folder: Path) -> Iterator[_Slice]:
    identity = Identity(bytes(KEY_BYTES), partitions=1)
    events = [item.event for item in make_items(size, count, identity)]
    records = [
        LogRecord(offset, key, encode(event))
        for offset, (key, event) in enumerate(zip(event_keys(len(events)), events, strict=True))
    ]
    storage = _RecordingStorage(folder)
    origin = Origin("benchmark", "profile-events", 0, identity.partitions, identity.fingerprint)
    state = ProfileState(storage, origin, identity)
    for part in slices(records):
        storage.slice = _Slice()
        state.apply(part)
        yield storage.slice
    state.close()


if __name__ == "__main__":
    bind(os.getpid(), {int(sys.argv[2])})
    sys.stdout.buffer.write(msgspec.json.encode(measure_rocksdb(int(sys.argv[1]))))
