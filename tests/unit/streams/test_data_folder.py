"""The data folder: what a start closes to other users of the machine, and what it leaves alone."""

import logging
import os
import stat
from pathlib import Path

import pytest

from schemas.errors import OperatorError
from streams import data_folder
from streams.data_folder import is_trusted, make_private, open_private, write_private


@pytest.fixture(autouse=True)
def _made_open_to_all(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)


def tree(data: Path) -> None:
    """What a service of before may have left, open to all."""
    (data / "state/profile-events-0").mkdir(parents=True)
    for name in ("hash.key", "state/profile-events-0/000007.sst"):
        (data / name).write_text("x")
    for path in [data, *data.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_folder_is_made_for_its_owner(tmp_path: Path) -> None:
    make_private(tmp_path / "data")

    assert mode(tmp_path / "data") == 0o700


def test_what_was_left_open_is_closed(tmp_path: Path) -> None:
    tree(tmp_path)

    make_private(tmp_path)

    assert [path for path in [tmp_path, *tmp_path.rglob("*")] if mode(path) & 0o077] == []
    assert mode(tmp_path / "state") == 0o700
    assert mode(tmp_path / "hash.key") == 0o600


def test_of_a_folder_with_other_things_only_ours_are_closed(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "notes.txt").touch(0o644)

    make_private(tmp_path)

    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "notes.txt") & 0o077
    assert mode(tmp_path / "state/profile-events-0/000007.sst") == 0o600


def test_a_folder_that_many_share_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)

    make_private(tmp_path)

    assert mode(tmp_path) == 0o1777


def test_nothing_is_closed_through_a_link(tmp_path: Path) -> None:
    elsewhere, data = tmp_path / "elsewhere", tmp_path / "data"
    tree(elsewhere)
    data.mkdir()
    (data / "state").symlink_to(elsewhere)
    (data / "search").mkdir()
    (data / "search/link").symlink_to(elsewhere / "hash.key")

    make_private(data)

    assert mode(elsewhere) == 0o755
    assert mode(elsewhere / "hash.key") == 0o644


def test_a_linked_data_folder_is_the_one_that_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    tree(tmp_path / "disk")
    (tmp_path / "data").symlink_to("disk")

    make_private(tmp_path / "data")

    assert mode(tmp_path / "disk") == 0o700
    assert mode(tmp_path / "disk/hash.key") == 0o600


def test_what_another_user_has_put_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path)
    them = os.geteuid()
    monkeypatch.setattr(data_folder, "_ROOT", -1)  # tests may run as root
    monkeypatch.setattr(os, "geteuid", lambda: them + 1)

    with pytest.raises(OperatorError, match=r"belongs to another user .* --data"):
        make_private(tmp_path)

    assert mode(tmp_path / "state") == 0o755


ROOT, US, THEM = 0, 1000, 1001


@pytest.mark.parametrize(
    ("owner", "us", "folder_owner", "trusted"),
    [
        (US, US, US, True),
        (ROOT, US, US, True),  # a key that is mounted
        (THEM, US, US, False),
        (THEM, US, THEM, False),
        (THEM, ROOT, THEM, True),  # an administrator looks into a service's folder
        (THEM, ROOT, ROOT, False),  # somebody's file in /tmp
    ],
)
def test_what_is_used_is_ours_or_roots(
    owner: int, us: int, folder_owner: int, trusted: bool
) -> None:
    assert is_trusted(owner, us=us, folder_owner=folder_owner) == trusted


def test_a_folder_that_others_may_write_to_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "notes.txt").touch()
    tmp_path.chmod(0o777)

    with caplog.at_level(logging.WARNING):
        make_private(tmp_path)

    assert f"others may write to {tmp_path}" in caplog.text


def test_what_is_written_is_its_owners(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "a", "text")
        with open_private(tmp_path / "b") as file:
            file.write(b"text")
    finally:
        os.umask(before)

    assert {path.name: (mode(path), path.read_text()) for path in tmp_path.iterdir()} == {
        "a": (0o600, "text"),
        "b": (0o600, "text"),
    }
