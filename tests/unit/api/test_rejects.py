"""The file of the lines that an import did not take."""

import json
import os
from pathlib import Path

import pytest

from api.command_line.import_file import Line
from api.command_line.input_file import Input
from api.command_line.rejects import Rejects
from schemas.errors import OperatorError

LINE = Line(7, "text", b"")


@pytest.fixture
def users(tmp_path: Path) -> Path:
    file = tmp_path / "users.csv"
    file.write_text("uid\n1\n")
    return file


def test_it_is_opened_before_anything_is_rejected_and_gone_when_nothing_was(users: Path) -> None:
    beside = users.with_suffix(".rejected.ndjson")
    beside.write_text("of an earlier run")

    with Input(users) as source, Rejects(source, None) as rejects:
        assert beside.read_text() == ""
    assert rejects.written is None
    assert not beside.exists()


def test_what_was_rejected_is_for_the_owner_alone(users: Path) -> None:
    with Input(users) as source, Rejects(source, None) as rejects:
        rejects.add(LINE, 422, "no")

    beside = users.with_suffix(".rejected.ndjson")
    assert rejects.written == str(beside)
    assert beside.stat().st_mode & 0o777 == 0o600
    assert json.loads(beside.read_text()) == {
        "line": 7,
        "code": 422,
        "reason": "no",
        "text": "text",
    }


@pytest.mark.parametrize("name", ["users.csv", "hard link", "symbolic link"])
def test_it_is_never_the_file_that_is_imported(users: Path, name: str) -> None:
    (users.parent / "hard link").hardlink_to(users)
    (users.parent / "symbolic link").symlink_to(users)

    with (
        Input(users) as source,
        pytest.raises(OperatorError, match="names the file to import"),
        Rejects(source, users.parent / name),
    ):
        pass
    assert users.read_text() == "uid\n1\n"


@pytest.mark.parametrize("name", ["nowhere/rejected", "folder", "users.csv/rejected"])
def test_where_it_cannot_be_written_is_told_at_once(users: Path, name: str) -> None:
    (users.parent / "folder").mkdir()

    with (
        Input(users) as source,
        pytest.raises(OperatorError, match="--rejected"),
        Rejects(source, users.parent / name),
    ):
        pass


def test_what_is_no_file_is_written_to_and_stays(users: Path) -> None:
    pipe = users.parent / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    with Input(users) as source, Rejects(source, pipe) as rejects:
        rejects.add(LINE, 422, "no")

    assert b'"line":7' in os.read(reading, 1000)
    os.close(reading)
    assert pipe.exists()
    with Input(users) as source, Rejects(source, Path("/dev/null")):
        pass
    assert Path("/dev/null").exists()
