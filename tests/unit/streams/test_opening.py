"""Opening the state of a partition that was left long ago, or by a former version (`streams.partition.opening`)."""

from pathlib import Path

import msgspec
import pytest

from projections import keyspace
from projections.email_index import EMAIL_LAYOUT
from projections.partition import NOTHING, Origin, applied_by
from projections.storage import RocksStorage
from streams.partition import opening

_usable_storage = vars(opening)["_usable_storage"]
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

    storage = _usable_storage(tmp_path / "state", 0, EMAIL_LAYOUT)

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

    storage = _usable_storage(tmp_path / "state", 10, 0)

    assert (storage.get(_EMAIL) is not None) == is_used
    assert applied_by(storage) == (applied if is_used else NOTHING)
    storage.close()


def test_a_state_that_has_folded_nothing_has_missed_nothing(tmp_path: Path) -> None:
    storage = RocksStorage(tmp_path / "state")
    storage.write({keyspace.ORIGIN: b"origin"})
    storage.close()

    storage = _usable_storage(tmp_path / "state", 10, 0)

    assert storage.get(keyspace.ORIGIN) is not None
    storage.close()
