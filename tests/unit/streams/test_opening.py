"""Opening the state of a partition that a former version has left (`streams.partition.opening`)."""

from pathlib import Path

import msgspec
import pytest

from projections import keyspace
from projections.email_index import EMAIL_LAYOUT
from projections.partition import Origin
from projections.storage import RocksStorage
from streams.partition import opening

_in_this_layout = vars(opening)["_in_this_layout"]
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

    storage = _in_this_layout(tmp_path / "state")

    assert (storage.get(_EMAIL) is not None) == kept
    assert (storage.get(keyspace.ORIGIN) is not None) == kept
    storage.close()
