"""Where a projection keeps its rows: an ordered map of bytes with atomic writes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DataBlockIndexType,
    DBCompressionType,
    Options,
    Rdict,
    ReadOptions,
    WriteBatch,
)

_BLOCK_CACHE_BYTES = 48 << 20
_WRITE_BUFFER_BYTES = 32 << 20


class Storage(Protocol):
    """An ordered map of bytes."""

    def get(self, key: bytes) -> bytes | None: ...

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]: ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop, in order of the key."""
        ...

    def write(
        self, rows: Mapping[bytes, bytes | None], cut: tuple[bytes, bytes] | None = None
    ) -> None:
        """Put each row (None deletes it) and, first, delete the range `cut`: all of it or nothing."""
        ...

    def close(self) -> None: ...


class RocksStorage:
    """`Storage` in a folder of its own.

    Writes go to the write-ahead log without a sync: they outlive the process. After a power cut rows and
    applied offset go back together, and the log repairs both.
    """

    _cache: Cache | None = None

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._db = Rdict(str(folder), options=self._options())

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
        options.set_compression_type(DBCompressionType.lz4())
        # A write must not wait for a flush on the one event loop; and what compacts in the background
        # takes the second core from Kafka, so it is let wait: the filters keep reads cheap.
        options.set_max_write_buffer_number(3)
        options.set_level_zero_file_num_compaction_trigger(8)
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        return options

    @staticmethod
    def last_written(folder: Path) -> float | None:
        """When anything in the folder was last written, in unix seconds; None when there is none."""
        times = [path.stat().st_mtime for path in folder.glob("*")]
        return max(times, default=None)

    def get(self, key: bytes) -> bytes | None:
        return self._db.get(key)

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return cast("list[bytes | None]", self._db.get(list(keys))) if keys else []

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(stop)
        rows = self._db.iter(bounds)
        rows.seek(start)
        while rows.valid():
            yield rows.key(), rows.value()
            rows.next()

    def write(
        self, rows: Mapping[bytes, bytes | None], cut: tuple[bytes, bytes] | None = None
    ) -> None:
        batch = WriteBatch(raw_mode=True)
        if cut is not None:
            batch.delete_range(*cut)
        put, delete = batch.put, batch.delete
        for key, value in rows.items():
            if value is None:
                delete(key)
            else:
                put(key, value)
        self._db.write(batch)

    def close(self) -> None:
        self._db.close()
