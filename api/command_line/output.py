"""What commands print: results on stdout, everything else on stderr."""

import sys
from typing import Final

import msgspec
from rich.console import Console

# Into a pipe or file tables are as wide as they need.
_WIDTH: Final = None if sys.stdout.isatty() else 160
# What is printed is text and not markup; a long line stays one, so that it can be copied.
STDOUT: Final = Console(markup=False, highlight=False, width=_WIDTH)
STDERR: Final = Console(markup=False, highlight=False, stderr=True)


def print_json(document: object) -> None:
    """One JSON document on one line of stdout, there when this returns."""
    STDOUT.file.write(msgspec.json.encode(document).decode() + "\n")
    STDOUT.file.flush()


def print_text(text: str) -> None:
    """Lines for a person, on stdout."""
    STDOUT.print(text, soft_wrap=True)
    STDOUT.file.flush()
