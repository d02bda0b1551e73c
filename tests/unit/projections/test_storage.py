"""What every storage must do, run against each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.storage import RocksStorage, Storage, drop
from tests.support.memory_storage import MemoryStorage


class Rocks:
    """A `RocksStorage` that can be opened again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "rocks"
        self.storage: Storage = RocksStorage(self._folder)

    def reopen(self) -> None:
        self.storage.close()
        self.storage = RocksStorage(self._folder)


class Memory:
    """A `MemoryStorage` that can be opened again."""

    def __init__(self, _: Path) -> None:
        self.memory = MemoryStorage()
        self.storage: Storage = self.memory

    def reopen(self) -> None:
        self.memory.close()
        self.storage = self.memory = MemoryStorage(self.memory.snapshot())


@pytest.fixture(params=[Memory, Rocks])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rocks | Memory]:
    opened = request.param(tmp_path)
    yield opened
    opened.storage.close()


@pytest.fixture
def storage(opened: Rocks | Memory) -> Storage:
    return opened.storage


def everything(storage: Storage) -> dict[bytes, bytes]:
    return dict(storage.scan(b"", b"\xff" * 9))


def test_a_row_is_read_as_it_was_written(storage: Storage) -> None:
    storage.write({b"a\x00\xff": b"\x00one"})

    assert storage.get(b"a\x00\xff") == b"\x00one"


def test_a_row_that_is_not_there_reads_as_none(storage: Storage) -> None:
    assert storage.get(b"a") is None


def test_an_empty_value_is_a_value(storage: Storage) -> None:
    storage.write({b"a": b""})

    assert storage.get(b"a") == b""


def test_the_last_write_wins(storage: Storage) -> None:
    storage.write({b"a": b"1"})
    storage.write({b"a": b"2"})

    assert everything(storage) == {b"a": b"2"}


def test_none_deletes_a_row_and_may_meet_none(storage: Storage) -> None:
    storage.write({b"a": b"1", b"b": b"2"})
    storage.write({b"a": None, b"c": None})

    assert everything(storage) == {b"b": b"2"}


def test_many_are_read_in_the_order_asked_for(storage: Storage) -> None:
    storage.write({b"a": b"1", b"b": b"2"})

    assert list(storage.get_many([b"b", b"x", b"a", b"b"])) == [b"2", None, b"1", b"2"]


def test_of_none_asked_for_none_are_read(storage: Storage) -> None:
    assert list(storage.get_many([])) == []


def test_a_scan_goes_in_order_of_the_bytes(storage: Storage) -> None:
    storage.write({b"b": b"", b"\xff": b"", b"a\x00": b"", b"a": b"", b"B": b""})

    keys = [key for key, _ in storage.scan(b"", b"\xff\xff")]

    assert keys == [b"B", b"a", b"a\x00", b"b", b"\xff"]


def test_a_scan_starts_at_its_start_and_ends_before_its_stop(storage: Storage) -> None:
    storage.write(dict.fromkeys((b"a", b"b", b"b\x00", b"c", b"c\x00"), b""))

    assert [key for key, _ in storage.scan(b"b", b"c")] == [b"b", b"b\x00"]


@pytest.mark.parametrize("bounds", [(b"b", b"b"), (b"d", b"e")])
def test_a_scan_of_nothing_gives_nothing(storage: Storage, bounds: tuple[bytes, bytes]) -> None:
    storage.write({b"a": b"", b"b": b"", b"c": b""})

    assert list(storage.scan(*bounds)) == []


@pytest.mark.parametrize(
    "bounds", [(b"b", b"c"), (b"", b"\xff"), (b"b\x00", b"b\x00\x00"), (b"d", b"e")]
)
def test_a_scan_back_gives_what_a_scan_does_the_last_first(
    storage: Storage, bounds: tuple[bytes, bytes]
) -> None:
    storage.write({name: name + b"1" for name in (b"a", b"b", b"b\x00", b"bb", b"c", b"c\x00")})

    assert list(storage.scan_back(*bounds)) == [*storage.scan(*bounds)][::-1]


@pytest.mark.parametrize("forward", [True, False])
def test_a_scan_keeps_to_bounds_that_nobody_else_holds(storage: Storage, *, forward: bool) -> None:
    """RocksDB's binding keeps a pointer to the bounds, and not the bounds."""

    def key(number: int) -> bytes:
        return b"H" + number.to_bytes(20)

    storage.write({key(number): b"" for number in range(1000)})
    scan = storage.scan if forward else storage.scan_back

    for first in range(990):
        found = [row for row, _ in scan(key(first), key(first + 5))]
        assert sorted(found) == [key(number) for number in range(first, first + 5)]


def test_a_scan_that_is_under_way_sees_nothing_of_a_later_write(storage: Storage) -> None:
    storage.write({b"a": b"1", b"b": b"1"})
    rows = storage.scan(b"a", b"z")
    seen = [next(rows)]

    storage.write({b"b": b"2", b"c": b"2"})

    assert [*seen, *rows] == [(b"a", b"1"), (b"b", b"1")]


def test_a_dropped_range_goes_from_its_start_to_before_its_stop(storage: Storage) -> None:
    storage.write(dict.fromkeys((b"a", b"b", b"c", b"c\x00", b"d"), b""))

    drop(storage, b"b", b"c\x00")
    drop(storage, b"a", b"a")

    assert list(everything(storage)) == [b"a", b"c\x00", b"d"]


def test_what_was_written_is_there_when_it_is_opened_again(opened: Rocks | Memory) -> None:
    opened.storage.write({b"a": b"1", b"b": b"1", b"c": b"1"})
    opened.storage.write({b"b": None, b"c": None})

    opened.reopen()

    assert everything(opened.storage) == {b"a": b"1"}


def test_memory_goes_back_to_what_it_was() -> None:
    storage = MemoryStorage()
    storage.write({b"a": b"1", b"b": b"1"})
    before = storage.snapshot()
    storage.write({b"a": b"2", b"b": None, b"c": b"2"})

    storage.restore(before)

    assert everything(storage) == {b"a": b"1", b"b": b"1"}


def test_what_is_written_later_is_in_no_snapshot() -> None:
    storage = MemoryStorage({b"a": b"1"})
    before = storage.snapshot()

    storage.write({b"a": b"2", b"b": b"2"})

    assert before == {b"a": b"1"}


def files_with(folder: Path, text: bytes) -> set[str]:
    """The kinds of files that hold the bytes."""
    return {
        path.suffix for path in folder.iterdir() if path.is_file() and text in path.read_bytes()
    }


def test_a_purge_leaves_the_other_rows(storage: Storage) -> None:
    storage.write({b"Da": b"1", b"Db": b"2", b"Oa": b"3", b"X": b"4"})
    storage.write({b"Da": None, b"Oa": None})

    assert storage.purge([b"D", b"O"])

    assert everything(storage) == {b"Db": b"2", b"X": b"4"}


def test_a_purge_leaves_no_byte_of_a_deleted_row_in_any_file(tmp_path: Path) -> None:
    folder = tmp_path / "rocks"
    storage = RocksStorage(folder)
    for n in range(2000):
        storage.write({b"D%04d" % n: b"MARKER" * 20, b"O%04d" % n: b"MARKER" * 20})
    storage.purge([b"Z"])
    storage.write({b"D9999": b"kept", b"D0000": b"MARKER" * 20})
    assert files_with(folder, b"MARKER") == {".sst", ".log"}, "the control"

    drop(storage, b"D", b"D9")
    drop(storage, b"O", b"P")
    assert files_with(folder, b"MARKER") == {".sst", ".log"}, "a delete alone erases nothing"

    assert storage.purge([b"D", b"O"])
    assert files_with(folder, b"MARKER") == set()
    assert everything(storage) == {b"D9999": b"kept"}
    storage.close()


def test_a_purge_may_follow_a_purge_or_a_write_of_nothing(tmp_path: Path) -> None:
    storage = RocksStorage(tmp_path / "rocks")
    assert storage.purge([b"D", b"O"])
    storage.write({})
    assert storage.purge([b"D", b"O"])
    storage.close()

    storage = RocksStorage(tmp_path / "rocks")
    storage.write({})
    assert storage.purge([b"D", b"O"])
    storage.close()


def test_a_purge_says_so_when_a_reader_keeps_an_old_file(tmp_path: Path) -> None:
    storage = RocksStorage(tmp_path / "rocks")
    storage.write({b"Da": b"MARKER" * 20, b"Db": b"kept"})
    storage.purge([b"Z"])
    reader = storage.scan(b"D", b"E")
    next(reader)
    storage.write({b"Da": None})

    assert not storage.purge([b"D"])

    reader.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - a generator
    assert storage.purge([b"D"])
    assert files_with(tmp_path / "rocks", b"MARKER") == set()
    storage.close()
