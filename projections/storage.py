"""Where a projection keeps its rows: an ordered map of bytes with atomic writes."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol, cast

from rocksdict import (
    BlockBasedOptions,
    BottommostLevelCompaction,
    Cache,
    CompactOptions,
    DataBlockIndexType,
    DbClosedError,
    DBCompressionType,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
)

from schemas.errors import DamagedState

_BLOCK_CACHE_BYTES = 48 << 20
_DROPPED_ROWS = 1000
# What is written goes to random parts of it, so it should fit the processor's caches: 32 MiB cost a fold 5 % more.
_WRITE_BUFFER_BYTES = 16 << 20
# How the binding's errors begin that say of a damage. RocksDB calls a manifest that is missing an error of I/O.
_DAMAGES: Final = ("Corruption", "IO error: No such file or directory")
_FILE: Final = re.compile(r"\d+\.(?:sst|log)\b|MANIFEST-\d+|CURRENT\b")
_DAMAGED: Final = "DAMAGED"


class Storage(Protocol):
    """An ordered map of bytes."""

    def get(self, key: bytes) -> bytes | None: ...

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]: ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop, in order of the key."""
        ...

    def scan_back(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop, the last one first."""
        ...

    def write(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Put each row (None deletes it): all of them or none."""
        ...

    def purge(self, prefixes: Sequence[bytes]) -> bool:
        """Leave no byte of a deleted row under these prefixes in any file: what lies from the first to the last is
        written anew.

        Blocks for a second or more, while others may read and write. False when a file is left that may
        still hold such bytes, because it was in use: purge again.
        """
        ...

    def close(self) -> None: ...


def is_storage_failure(error: Exception) -> bool:
    """Whether a fold failed of its storage, as on a full disk, and not of what it was given.

    The binding raises bare exceptions, which nothing else does.
    """
    return type(error) is Exception or isinstance(
        error, DamagedState | DbClosedError | OSError | MemoryError
    )


def drop(storage: Storage, start: bytes, stop: bytes) -> None:
    """Delete the rows with start <= key < stop; a crash may leave some of them.

    One by one, because a deleted range switches RocksDB's filter for what is in memory off: until the next flush every
    look-up of a user that is new costs three times as much.
    """
    keys = (key for key, _ in storage.scan(start, stop))
    while some := list(islice(keys, _DROPPED_ROWS)):
        storage.write(dict.fromkeys(some))


class RocksStorage:
    """`Storage` in a folder of its own.

    Writes go to the write-ahead log without a sync: they outlive the process. After a power cut rows and
    applied offset go back together, and the log repairs both.

    Whatever meets a damaged file raises `DamagedState`. Of the first one after the opening `on_damage` gets a copy, in
    the thread that met it: without a traceback, whose frames would hold iterators, and these the files. From then on
    the folder cannot be opened any more: not every opening reads what is damaged.
    """

    _cache: Cache | None = None

    def __init__(
        self, folder: Path, on_damage: Callable[[DamagedState], None] | None = None
    ) -> None:
        """Raises `DamagedState`, and OSError where the folder cannot be used."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._on_damage: Callable[[DamagedState], None] | None = None
        self._reporting = threading.Lock()
        if (folder / _DAMAGED).exists():
            raise DamagedState(folder, (folder / _DAMAGED).read_text() or None)
        try:
            self._db = Rdict(str(folder), options=self._options())
        except Exception as error:
            raise self._told(error) from None
        self._on_damage = on_damage

    @classmethod
    def _options(cls) -> Options:
        # One cache for all partitions of the process, so that memory does not grow with their number.
        if RocksStorage._cache is None:
            RocksStorage._cache = Cache(_BLOCK_CACHE_BYTES)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(RocksStorage._cache)
        blocks.set_bloom_filter(10, block_based=False)
        blocks.set_data_block_index_type(DataBlockIndexType.binary_and_hash())
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(blocks)
        options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
        # Most look-ups of a fold are for users that are new: the filters answer those in a third of the time.
        options.set_memtable_prefix_bloom_ratio(0.1)
        options.set_memtable_whole_key_filtering(True)
        # Plain, so that a search of the files for somebody's bytes finds what is there: LZ4 breaks texts up.
        # A rebuild costs the same.
        options.set_compression_type(DBCompressionType.none())
        # A write must not wait for a flush on the one event loop; and what compacts in the background
        # takes the second core from Kafka, so it is let wait: the filters keep reads cheap.
        options.set_max_write_buffer_number(3)
        options.set_level_zero_file_num_compaction_trigger(8)
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        return options

    def get(self, key: bytes) -> bytes | None:
        try:
            return self._db.get(key)
        except Exception as error:
            raise self._told(error) from None

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        try:
            return cast("list[bytes | None]", self._db.get(list(keys))) if keys else []
        except Exception as error:
            raise self._told(error) from None

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        # A generator, whose frame holds the bounds: the binding keeps nothing but a pointer to their bytes.
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(stop)
        try:
            yield from scanned(self._db.iter(bounds), start)
        except Exception as error:
            raise self._told(error) from None

    def scan_back(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(stop)
        try:
            rows = self._db.iter(bounds)
            rows.seek_to_last()
            # The binding takes a lower bound, and does not keep to it.
            while rows.valid() and (key := rows.key()) >= start:
                yield key, rows.value()
                rows.prev()
            rows.status()
        except Exception as error:
            raise self._told(error) from None

    def write(self, rows: Mapping[bytes, bytes | None]) -> None:
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in rows.items():
            if value is None:
                delete(key)
            else:
                put(key, value)
        try:
            self._db.write(batch)
        except Exception as error:
            raise self._told(error) from None

    def purge(self, prefixes: Sequence[bytes]) -> bool:
        try:
            return self._purge(prefixes)
        except Exception as error:
            raise self._told(error) from None

    def _purge(self, prefixes: Sequence[bytes]) -> bool:
        logs = self._files("log")
        # No row has a bare prefix for its key; but a flush with nothing to write keeps the log, which may
        # hold what left no trace in memory.
        self._db.delete(prefixes[0])
        # What is deleted is behind the flush in no write-ahead log, and behind the compaction in no table.
        self._db.flush()
        tables = self._files("sst")
        rewrite = CompactOptions()
        rewrite.set_bottommost_level_compaction(BottommostLevelCompaction.force_optimized())
        # At once: a table may span all of them, and would be written again for each.
        self._db.compact_range(min(prefixes), max(prefixes) + b"\xff" * 32, rewrite)
        return not (logs & self._files("log") or self._stale_tables(tables, prefixes))

    def _files(self, kind: str) -> set[str]:
        return {path.name for path in self.folder.glob(f"*.{kind}")}

    def _stale_tables(self, before: set[str], prefixes: Sequence[bytes]) -> bool:
        """Whether a table from before a compaction of these prefixes is left, or one of it has deletions."""
        live: dict[str, dict[str, Any]] = {
            file["name"].lstrip("/"): file for file in self._db.live_files()
        }
        return any(
            name not in live or _overlaps(live[name], prefixes)
            for name in before & self._files("sst")
        ) or any(
            file["level"] > 0 and file["num_deletions"] and _overlaps(file, prefixes)
            for file in live.values()
        )

    def close(self) -> None:
        try:
            self._db.close()
        except Exception as error:
            # Of a damaged folder the last rows are not flushed. The binding then leaves it open, until it is let go.
            del self._db
            if not is_damage(error):
                raise

    def _told(self, error: Exception) -> Exception:
        """The error as callers know it; a damage is reported, and remembered in the folder."""
        if not is_damage(error):
            return error
        damage = damage_of(error, self.folder)
        with self._reporting:
            report, self._on_damage = self._on_damage, None
        # On a disk that is full as well, the next reader meets it again.
        with contextlib.suppress(OSError):
            (self.folder / _DAMAGED).write_text(damage.damaged_file or "")
        if report is not None:
            report(damage_of(error, self.folder))
        return damage


def is_damage(error: Exception) -> bool:
    """Whether an error of the binding says that a file is missing, or is not what was written."""
    return type(error) is Exception and str(error).startswith(_DAMAGES)


def damage_of(error: Exception, folder: Path) -> DamagedState:
    """What such an error says of the folder; of its text no more than the file's name, for it may show keys."""
    found = _FILE.search(str(error))
    return DamagedState(folder, None if found is None else found[0])


def scanned(rows: RdictIter, start: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The rows of an iterator from a key on.

    The binding's own iterators of rows end at a damaged block as if nothing came behind it; this one raises.
    """
    rows.seek(start)
    valid, key, value, step = rows.valid, rows.key, rows.value, rows.next
    while valid():
        yield key(), value()
        step()
    rows.status()


def _overlaps(file: Mapping[str, Any], prefixes: Sequence[bytes]) -> bool:
    """Whether the keys of a table reach into one of the prefixes."""
    return any(
        file["start_key"][: len(prefix)] <= prefix <= file["end_key"][: len(prefix)]
        for prefix in prefixes
    )
