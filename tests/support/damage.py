"""Damage to files, as a failing disk or a cut-off copy does it."""

from pathlib import Path
from typing import Final

_MASK: Final = 0x5A


def last(folder: Path, pattern: str) -> Path:
    """The newest of a kind of file whose names count up."""
    return max(folder.glob(pattern))


def flip(file: Path, *, at: int | None = None, size: int = 40) -> None:
    """Flip bits of some bytes, in the middle without `at`."""
    content = bytearray(file.read_bytes())
    start = len(content) // 2 if at is None else at
    assert start + size <= len(content), "the file is too short"
    for place in range(start, start + size):
        content[place] ^= _MASK
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Cut off the second half."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
