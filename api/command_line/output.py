"""What commands print: results on stdout, everything else on stderr."""

import logging
import sys
from typing import Final

import msgspec
from rich.console import Console

from schemas.errors import OperatorError, RequestError

# Into a pipe or file tables are as wide as they need.
_WIDTH: Final = None if sys.stdout.isatty() else 160
# What is printed is text and not markup; a long line stays one, so that it can be copied.
STDOUT: Final = Console(markup=False, highlight=False, width=_WIDTH)
STDERR: Final = Console(markup=False, highlight=False, stderr=True)

log = logging.getLogger(__name__)


def complain(error: BaseException) -> None:
    """Print on stderr why a command failed: the error's own text, never a traceback."""
    if isinstance(error, OperatorError | RequestError):
        STDERR.print(f"profilelog: {error}", soft_wrap=True)
    elif isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        STDERR.print(f"profilelog: {error.strerror}{where}", soft_wrap=True)
    else:
        log.error("a fault in profilelog; please report this line", exc_info=error)


def print_json(document: object) -> None:
    """One JSON document on one line of stdout, there when this returns."""
    STDOUT.file.write(msgspec.json.encode(document).decode() + "\n")
    STDOUT.file.flush()


def print_text(text: str) -> None:
    """Lines for a person, on stdout."""
    STDOUT.print(text, soft_wrap=True)
    STDOUT.file.flush()
