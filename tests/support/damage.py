"""Damage to files, as a failing disk or a cut-off copy does it."""

from pathlib import Path
from typing import Final

_MASK: Final = 0x5A
# In a batch of Kafka's format 2.
_LENGTH_AT: Final = 8
_RECORDS_AT: Final = 61


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


def flip_batch(segment: Path, at: int, size: int) -> None:
    """Flip bytes of the batch in the middle of a segment of Kafka's log, counted from the batch's first."""
    content = segment.read_bytes()
    batches: list[int] = []
    place = 0
    while place < len(content):
        batches.append(place)
        place += _LENGTH_AT + 4 + int.from_bytes(content[place + _LENGTH_AT :][:4])
    flip(segment, at=batches[len(batches) // 2] + at, size=size)


def flip_length(segment: Path) -> None:
    """Flip the length of a batch, which its checksum does not cover."""
    flip_batch(segment, _LENGTH_AT, 4)


def flip_records(segment: Path) -> None:
    """Flip bytes of what a batch says, which its checksum covers."""
    flip_batch(segment, _RECORDS_AT, 8)


def cut(file: Path) -> None:
    """Cut off the second half."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
