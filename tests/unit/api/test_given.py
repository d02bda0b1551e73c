"""What is given by another way than the command line: secrets in files, personal data on stdin."""

import io
import logging
import sys
from pathlib import Path

import pytest
import typer

from api.command_line.given import from_stdin, secret_of
from schemas.errors import OperatorError


@pytest.fixture(autouse=True)
def _stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("first\nsecond\r\n\n"))


def test_a_secret_comes_from_a_file_or_stdin(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" whispered\n")

    assert secret_of("--secret", None, tmp_path / "secret") == "whispered"
    assert secret_of("--secret", None, Path("-")) == "first"
    assert secret_of("--secret", None, None) is None


def test_a_secret_on_the_command_line_is_taken_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert secret_of("--secret", "whispered", None) == "whispered"

    assert "--secret-file" in caplog.text
    assert "whispered" not in caplog.text


def test_two_secrets_are_refused() -> None:
    with pytest.raises(typer.BadParameter, match="exclude each other"):
        secret_of("--secret", "whispered", Path("-"))


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)

    with pytest.raises(OperatorError, match=r"^--secret-file: "):
        secret_of("--secret", None, tmp_path / "secret")


def test_each_dash_is_a_line_of_stdin() -> None:
    given = [
        from_stdin("--uid", "-"),
        from_stdin("--email", "as it is"),
        from_stdin("--email", "-"),
    ]

    assert given == ["first", "as it is", "second"]
    with pytest.raises(typer.BadParameter, match="--contains"):
        from_stdin("--contains", "-")
