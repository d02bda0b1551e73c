"""Secrets and personal data given by another way than the command line, which every user of the machine can read."""

import logging
import sys
from pathlib import Path
from typing import Final

import typer

from schemas.errors import OperatorError

STDIN: Final = "-"

log = logging.getLogger(__name__)


def secret_of(option: str, text: str | None, file: Path | None) -> str | None:
    """The secret of `OPTION-file`, which may be `-` for stdin, or of `option`, with a warning that it can be read.

    Raises `OperatorError` where the file is empty or cannot be read, `typer.BadParameter` where both are given.
    """
    if text is not None:
        if file is not None:
            raise typer.BadParameter(f"{option} and {option}-file exclude each other")
        log.warning(
            "every user of this machine can read the secret in the list of processes: use %s-file",
            option,
        )
    if file is None:
        return text
    try:
        read = sys.stdin.readline() if str(file) == STDIN else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise OperatorError(f"{option}-file: {file} cannot be read ({reason})") from None
    if not (secret := read.strip()):
        raise OperatorError(f"{option}-file: there is no secret in {file}")
    return secret


def from_stdin(option: str, value: str) -> str:
    """The value, or where it is `-` the next line of stdin. Raises `typer.BadParameter` where there is none."""
    if value != STDIN:
        return value
    try:
        line = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{option}: what stdin has is no UTF-8") from None
    if not line:
        raise typer.BadParameter(f"{option} is `-`, but stdin has no line for it")
    return line
