"""What a command reads from files and pipes."""

import os
import threading
from pathlib import Path

import pytest

from api.command_line.input_file import Input
from schemas.errors import OperatorError

LONG = os.urandom(1000) * 20_000  # beyond what is kept in memory


@pytest.mark.parametrize("content", [b"uid", LONG], ids=["short", "long"])
def test_what_was_read_is_there_again(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(content)

    with Input(file) as source:
        assert b"".join(source.read()) == content
        file.write_bytes(b"another")
        assert b"".join(source.again()) == content


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "users.csv"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as writing:
            for at in range(0, 5000, 7):
                writing.write(LONG[at : min(at + 7, 5000)])

    writer = threading.Thread(target=write)
    writer.start()
    with Input(pipe) as source:
        read = b"".join(source.read())
        again = b"".join(source.again())
    writer.join()

    assert read == again == LONG[:5000]
    assert source.path is None


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_a_pause_of_the_writer_is_not_taken_for_the_end(name: str) -> None:
    # A parent may hand down a standard input that does not block: a read of it then gives nothing.
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        with Input(Path(name)) as source:
            assert os.get_blocking(reading)
            os.write(writing, b"uid")
            os.close(writing)
            assert b"".join(source.read()) == b"uid"
        assert os.fstat(0), "it is the caller's to close"
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reading)


def test_what_is_empty_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "users.csv").touch()

    with (
        Input(tmp_path / "users.csv") as source,
        pytest.raises(OperatorError, match="empty: there is nothing to do"),
    ):
        list(source.read())


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(b"uid\n1\n")

    with Input(file) as source:
        reading = source.read()
        next(reading)
        with file.open("ab") as more:
            more.write(b"2\n")
        with pytest.raises(OperatorError, match="was written to while it was read"):
            list(reading)


def test_a_copy_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(LONG)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    with Input(file) as source, pytest.raises(OperatorError, match="set TMPDIR"):
        list(source.read())
