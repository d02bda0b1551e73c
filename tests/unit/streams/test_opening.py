"""Opening the state of a partition that is old, of a former version or damaged (`streams.partition.state_folder`)."""

from pathlib import Path

import msgspec
import pytest
from faust.types import TP

from projections import keyspace
from projections.email_index import EMAIL_LAYOUT
from projections.partition import NOTHING, Origin, applied_by
from projections.storage import RocksStorage
from schemas.errors import DamagedLog, DamagedState, OperatorError
from streams.partition.state_folder import LogExtent, remove_damaged, usable_state

EMAILS = TP("profile-emails", 0)
_EMAIL = keyspace.email(b"e" * 16)


def state_of_layout(folder: Path, layout: int) -> None:
    storage = RocksStorage(folder)
    origin = Origin("log", "profile-emails", 0, 8, "fingerprint", layout)
    storage.write({keyspace.ORIGIN: msgspec.msgpack.encode(origin), _EMAIL: b"claims"})
    storage.close()


@pytest.mark.parametrize(
    ("layout", "kept"), [(EMAIL_LAYOUT - 1, False), (EMAIL_LAYOUT, True), (EMAIL_LAYOUT + 1, True)]
)
def test_an_email_index_of_a_former_layout_is_begun_anew(
    tmp_path: Path, layout: int, kept: bool
) -> None:
    state_of_layout(tmp_path / "state", layout)

    storage = usable_state(tmp_path / "state", EMAILS, LogExtent(0, 0, 9), EMAIL_LAYOUT)

    assert (storage.get(_EMAIL) is not None) == kept
    assert (storage.get(keyspace.ORIGIN) is not None) == kept
    storage.close()


@pytest.mark.parametrize(("applied", "is_used"), [(3, False), (8, False), (9, True), (10, True)])
def test_a_state_that_may_have_missed_a_tombstone_is_begun_anew(
    tmp_path: Path, applied: int, is_used: bool
) -> None:
    storage = RocksStorage(tmp_path / "state")
    storage.write({keyspace.APPLIED: b"%d" % applied, _EMAIL: b"claims"})
    storage.close()

    storage = usable_state(tmp_path / "state", EMAILS, LogExtent(0, 10, 20), 0)

    assert (storage.get(_EMAIL) is not None) == is_used
    assert applied_by(storage) == (applied if is_used else NOTHING)
    storage.close()


def test_a_state_that_has_folded_nothing_has_missed_nothing(tmp_path: Path) -> None:
    storage = RocksStorage(tmp_path / "state")
    storage.write({keyspace.ORIGIN: b"origin"})
    storage.close()

    storage = usable_state(tmp_path / "state", EMAILS, LogExtent(0, 10, 20), 0)

    assert storage.get(keyspace.ORIGIN) is not None
    storage.close()


@pytest.mark.parametrize("extent", [LogExtent(3, 10, 20), LogExtent(0, 10, 0)])
def test_a_state_that_its_log_cannot_give_back_is_kept(tmp_path: Path, extent: LogExtent) -> None:
    storage = RocksStorage(tmp_path / "state")
    storage.write({keyspace.APPLIED: b"5", _EMAIL: b"claims"})
    storage.close()

    with pytest.raises(DamagedLog, match="profile-emails-0 from offset 0 on"):
        usable_state(tmp_path / "state", EMAILS, extent, 0)

    storage = RocksStorage(tmp_path / "state")
    assert storage.get(_EMAIL) is not None
    storage.close()


def damaged(folder: Path) -> DamagedState:
    """A folder with data that RocksDB cannot open."""
    storage = RocksStorage(folder)
    storage.write({keyspace.APPLIED: b"5", _EMAIL: b"claims"})
    storage.close()
    (folder / "CURRENT").write_bytes(b"")
    with pytest.raises(DamagedState) as caught:
        RocksStorage(folder)
    return caught.value


def test_a_damaged_folder_is_removed_when_its_log_gives_it_back(tmp_path: Path) -> None:
    damage = damaged(tmp_path / "state")

    repair = remove_damaged(damage, EMAILS, LogExtent(0, 0, 20), published=20)

    assert not (tmp_path / "state").exists()
    assert "state was damaged in CURRENT" in repair


@pytest.mark.parametrize(
    ("extent", "published"),
    [
        (LogExtent(3, 3, 20), 6),
        (LogExtent(0, 0, 0), 0),
        (LogExtent(0, 0, 5), 6),
        (LogExtent(0, 0, 20), None),
    ],
)
def test_a_damaged_folder_that_nothing_gives_back_is_kept(
    tmp_path: Path, extent: LogExtent, published: int | None
) -> None:
    damage = damaged(tmp_path / "state")

    with pytest.raises(OperatorError):
        remove_damaged(damage, EMAILS, extent, published)

    assert any((tmp_path / "state").glob("*.sst"))


def test_a_folder_that_was_never_begun_is_removed_whatever_its_log_is(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "CURRENT").write_bytes(b"")
    with pytest.raises(DamagedState) as caught:
        RocksStorage(tmp_path / "state")

    remove_damaged(caught.value, EMAILS, LogExtent(0, 0, 0), published=None)

    assert not (tmp_path / "state").exists()


def test_a_folder_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"no folder")

    with pytest.raises(OperatorError, match=r"state cannot be used \(File exists\)"):
        usable_state(tmp_path / "state", EMAILS, LogExtent(0, 0, 9), 0)
