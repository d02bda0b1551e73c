"""A state folder whose files are damaged says so, whatever reads it: an answer that lacks rows would be worse."""

import gc
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from projections.auditing.state_files import Secondary
from projections.storage import RocksStorage, is_storage_failure
from schemas.errors import DamagedState
from tests.support.damage import flip, last

ROWS = {b"%06d" % number: b"value" * 20 for number in range(5000)}
Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed state with a table of many blocks, and a write-ahead log behind it."""
    folder = tmp_path / "profile-events-0"
    storage = RocksStorage(folder)
    storage.write(ROWS)
    assert storage.purge([b"0"])  # flushes
    storage.write({b"last": b"row"})
    storage.close()
    return folder


def table(folder: Path) -> Path:
    """The table with the rows; closing has written another."""
    return max(folder.glob("*.sst"), key=lambda path: path.stat().st_size)


def drop_current(folder: Path) -> None:
    (folder / "CURRENT").unlink()


def empty_current(folder: Path) -> None:
    (folder / "CURRENT").write_bytes(b"")


def flip_manifest(folder: Path) -> None:
    flip(last(folder, "MANIFEST-*"))


def drop_manifest(folder: Path) -> None:
    last(folder, "MANIFEST-*").unlink()


def cut_table(folder: Path) -> None:
    whole = table(folder).read_bytes()
    table(folder).write_bytes(whole[:1000])


def drop_table(folder: Path) -> None:
    table(folder).unlink()


def test_a_damage_met_at_the_opening_is_reported_to_who_opens_alone(folder: Path) -> None:
    empty_current(folder)
    told: list[DamagedState] = []

    with pytest.raises(DamagedState):
        RocksStorage(folder, told.append)

    assert told == []


@pytest.mark.parametrize(
    "damage",
    [drop_current, empty_current, flip_manifest, drop_manifest, cut_table, drop_table],
)
def test_a_folder_that_rocksdb_cannot_open_is_damaged(folder: Path, damage: Damage) -> None:
    damage(folder)

    with pytest.raises(DamagedState, match="profile-events-0"):
        RocksStorage(folder)


def test_what_rocksdb_makes_again_is_no_damage(folder: Path) -> None:
    for name in ("IDENTITY", *(path.name for path in folder.glob("OPTIONS-*"))):
        (folder / name).unlink()

    storage = RocksStorage(folder)

    assert storage.get(b"000001") == ROWS[b"000001"]
    storage.close()


def test_a_folder_that_cannot_be_used_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"a file")

    with pytest.raises(OSError, match="state"):
        RocksStorage(tmp_path / "state")


READS: dict[str, Callable[[RocksStorage], object]] = {
    "get": lambda storage: [storage.get(key) for key in ROWS],
    "get_many": lambda storage: storage.get_many([*ROWS]),
    "scan": lambda storage: [*storage.scan(b"0", b"z")],
    "scan_back": lambda storage: [*storage.scan_back(b"0", b"z")],
    # The binding does not say that a compaction has failed; the next one, or a write, does.
    "purge": lambda storage: [storage.purge([b"0"]) for _ in range(2)],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_no_read_passes_over_a_damaged_block(
    folder: Path, read: Callable[[RocksStorage], object]
) -> None:
    flip(table(folder))
    told: list[DamagedState] = []
    storage = RocksStorage(folder, told.append)

    with pytest.raises(DamagedState, match=r"profile-events-0 .*\.sst") as caught:
        read(storage)

    assert [str(damage) for damage in told] == [str(caught.value)]
    assert is_storage_failure(caught.value)
    storage.close()
    del caught  # its traceback holds an iterator
    gc.collect()
    shutil.rmtree(folder)
    RocksStorage(folder).close()  # nothing holds the former one open


def test_a_folder_that_was_found_damaged_stays_so_until_it_is_removed(folder: Path) -> None:
    damaged = table(folder)
    whole = damaged.read_bytes()
    flip(damaged)
    storage = RocksStorage(folder)
    with pytest.raises(DamagedState):
        storage.get_many([*ROWS])
    storage.close()
    damaged.write_bytes(whole)  # a disk that reads well now and then

    with pytest.raises(DamagedState):
        RocksStorage(folder)
    shutil.rmtree(folder)
    RocksStorage(folder).close()


def test_a_damage_is_reported_once_though_several_meet_it(folder: Path) -> None:
    flip(table(folder))
    told: list[DamagedState] = []
    storage = RocksStorage(folder, told.append)

    def read() -> None:
        with pytest.raises(DamagedState):
            storage.get_many([*ROWS])

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 1
    storage.close()


def test_a_damaged_write_ahead_log_gives_back_a_beginning_of_what_was_written(
    tmp_path: Path,
) -> None:
    storage = RocksStorage(tmp_path / "state")
    for number in range(200):
        storage.write({b"row%03d" % number: b"x" * 500, b"applied": b"%d" % number})
    shutil.copytree(tmp_path / "state", tmp_path / "killed")  # as kill -9 leaves it
    storage.close()
    flip(last(tmp_path / "killed", "*.log"))

    left = RocksStorage(tmp_path / "killed")

    rows = [key for key, _ in left.scan(b"row", b"rox")]
    assert 0 < len(rows) < 200
    assert left.get(b"applied") == b"%d" % (len(rows) - 1)
    left.close()


AUDITS: dict[str, Callable[[Secondary], object]] = {
    "get": lambda rows: [rows.get(key) for key in ROWS],
    "scan": lambda rows: [*rows.scan(b"0", b"z")],
}


@pytest.mark.parametrize("read", AUDITS.values(), ids=AUDITS)
def test_an_auditor_is_told_of_a_damaged_block(
    folder: Path, read: Callable[[Secondary], object]
) -> None:
    flip(table(folder))

    with Secondary(folder) as rows:
        rows.catch_up()
        with pytest.raises(DamagedState, match=r"in \d+\.sst"):
            read(rows)
