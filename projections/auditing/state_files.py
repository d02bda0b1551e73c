"""Reading a state folder from outside, while its service runs or without one.

Two readers, because neither sees what the other does. `shown_rows` opens the folder through RocksDB as a secondary,
which takes no lock and writes nothing there: the rows that the service itself would find. `table_rows` and
`journal_rows` read one file each, byte by byte: every version of every row that it holds, those included that were
overwritten or deleted since and that RocksDB shows nobody. They know the format that `projections.storage` writes:
block-based tables of format version 6 and a write-ahead log, both uncompressed.
"""

import contextlib
import struct
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, Self

from rocksdict import AccessType, Options, Rdict, ReadOptions

from projections.storage import damage_of, is_damage, scanned
from schemas.errors import ProfilelogError

Row = tuple[bytes, bytes | None]
"""Key and value; None where the row is a delete marker."""

_FOOTER_BYTES: Final = 53
_TRAILER_BYTES: Final = 5
_MAGIC: Final = bytes.fromhex("f7cff485b741e288")
_EXTENDED_MAGIC: Final = bytes.fromhex("3e007a00")
_FORMAT_VERSION: Final = 6
_PLAIN: Final = 0
_SEQUENCE_BYTES: Final = 8
_HASH_INDEXED: Final = 1 << 31
_RESTARTS: Final = (1 << 28) - 1

_JOURNAL_BLOCK: Final = 32 << 10
_fragment: Final = struct.Struct("<IHB")
_BATCH_HEADER_BYTES: Final = 12
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_PUT, _RANGE_DELETE = 1, 15
_DELETES: Final = (0, 7)


class UnknownFormat(ProfilelogError):
    """A file that is not written as this module knows it; the text says what is different."""


class Secondary:
    """A state folder as RocksDB shows it to a secondary, which takes no lock and writes nothing there.

    Rows are those of the last `catch_up`, whatever the service writes meanwhile. Raises `UnknownFormat` when RocksDB
    cannot open the folder, and `DamagedState` when a file turns out to be damaged. A `projections.storage.Storage` for
    reading.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = tempfile.TemporaryDirectory(prefix="profilelog-")
        options = Options(raw_mode=True)
        options.set_max_open_files(-1)  # so that files which the writer removes meanwhile stay open
        access = AccessType.secondary(self._own.name)
        try:
            self._db = Rdict(str(folder), options=options, access_type=access)
        except Exception:  # the one type that it raises, with the path in its text
            self._own.cleanup()
            raise UnknownFormat("a folder that RocksDB cannot open") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._own.cleanup()

    def catch_up(self) -> None:
        """Show what the service has written by now."""
        self._db.try_catch_up_with_primary()

    def get(self, key: bytes) -> bytes | None:
        with self._damage_in_words():
            return self._db.get(key)

    def scan(self, start: bytes, stop: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop, in order of the key; to the last one without a `stop`."""
        bounds = ReadOptions()
        if stop is not None:
            bounds.set_iterate_upper_bound(stop)
        # A generator, whose frame holds the bounds: the binding keeps nothing but a pointer to their bytes.
        with self._damage_in_words():
            yield from scanned(self._db.iter(bounds), start)

    @contextlib.contextmanager
    def _damage_in_words(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            if is_damage(error):
                raise damage_of(error, self._folder) from None
            raise


def shown_rows(folder: Path, start: bytes = b"") -> Generator[tuple[bytes, bytes]]:
    """The rows of a state folder as RocksDB shows them, from a key on.

    Raises `UnknownFormat` when it cannot open the folder.
    """
    with Secondary(folder) as rows:
        rows.catch_up()
        yield from rows.scan(start)


def table_rows(path: Path) -> Iterator[Row]:
    """Every version of every row in an SST file. Raises `UnknownFormat`."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _FOOTER_BYTES))
        footer = file.read()
        version = int.from_bytes(footer[41:45], "little")
        if footer[45:] != _MAGIC or footer[1:5] != _EXTENDED_MAGIC or version != _FORMAT_VERSION:
            raise UnknownFormat("a table that is not complete, or of another format version")

        def block(offset: int, length: int) -> bytes:
            file.seek(offset)
            return _unpacked(file.read(length + _TRAILER_BYTES))

        length = int.from_bytes(footer[13:17], "little")
        meta = block(size - _FOOTER_BYTES - _TRAILER_BYTES - length, length)
        handle = dict(_entries(meta))[b"rocksdb.index"]
        for offset, length in _handles(block(*_handle(handle, 0)[:2])):
            for internal, value in _entries(block(offset, length)):
                deleted = internal[-_SEQUENCE_BYTES] in _DELETES
                yield internal[:-_SEQUENCE_BYTES], None if deleted else value


def journal_rows(path: Path) -> Iterator[Row]:
    """Every row in a write-ahead log, up to where the writer has got to."""
    for batch in _journal_batches(path):
        yield from _batch_rows(batch)


# ---------------------------------------------------------------------- tables


def _unpacked(stored: bytes) -> bytes:
    kind = stored[-_TRAILER_BYTES]
    if kind == _PLAIN:
        return stored[:-_TRAILER_BYTES]
    raise UnknownFormat(f"a table with blocks of compression type {kind}")


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(internal key, value) of a block, whose keys are stored without what they share with the one before."""
    end = _entries_end(block)
    at, internal = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        internal = internal[:shared] + block[at : at + own]
        at += own
        yield internal, block[at : at + length]
        at += length


def _handles(index: bytes) -> Iterator[tuple[int, int]]:
    """(offset, length) of each block that an index names; its entries share nothing, so each is whole."""
    end = _entries_end(index)
    at = 0
    while at < end:
        shared, at = _varint(index, at)
        own, at = _varint(index, at)
        if shared:
            raise UnknownFormat("a table whose index is packed")
        offset, length, at = _handle(index, at + own)
        yield offset, length


def _handle(source: bytes, at: int) -> tuple[int, int, int]:
    offset, at = _varint(source, at)
    length, at = _varint(source, at)
    return offset, length, at


def _entries_end(block: bytes) -> int:
    """Where the entries of a block end: behind them come restart points and, in some, a hash index."""
    packed = int.from_bytes(block[-4:], "little")
    end = len(block) - 4
    if packed & _HASH_INDEXED:
        end -= 2 + int.from_bytes(block[end - 2 : end], "little")
    return end - 4 * (packed & _RESTARTS)


def _varint(source: bytes, at: int) -> tuple[int, int]:
    value = source[at]
    at += 1
    if value < 128:
        return value, at
    value &= 127
    shift = 7
    while True:
        more = source[at]
        at += 1
        value |= (more & 127) << shift
        if more < 128:
            return value, at
        shift += 7


# ---------------------------------------------------------------------- write-ahead log


def _journal_batches(path: Path) -> Iterator[bytes]:
    """The write batches, put together from the fragments that no block boundary cuts."""
    batch = b""
    with path.open("rb") as file:
        while block := file.read(_JOURNAL_BLOCK):
            at = 0
            while at + _fragment.size <= len(block):
                _, length, kind = _fragment.unpack_from(block, at)
                at += _fragment.size
                if kind == 0 or at + length > len(block):
                    break
                if kind > _LAST:
                    raise UnknownFormat(f"a write-ahead log with records of type {kind}")
                start = b"" if kind in (_FULL, _FIRST) else batch
                batch = start + block[at : at + length]
                at += length
                if kind in (_FIRST, _MIDDLE):
                    continue
                yield batch
                batch = b""


def _batch_rows(batch: bytes) -> Iterator[Row]:
    at = _BATCH_HEADER_BYTES
    while at < len(batch):
        tag = batch[at]
        key, at = _string(batch, at + 1)
        if tag == _PUT:
            value, at = _string(batch, at)
            yield key, value
        elif tag == _RANGE_DELETE:  # states of earlier versions have them
            end, at = _string(batch, at)
            yield from ((key, None), (end, None))
        elif tag in _DELETES:
            yield key, None
        else:
            raise UnknownFormat(f"a write-ahead log with writes of type {tag}")


def _string(source: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(source, at)
    return source[at : at + length], at + length
