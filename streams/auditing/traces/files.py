"""Searching the raw bytes of every file under a folder, while others write and remove files there.

A file that a log cleaner or a compaction makes meanwhile may hold what was in one that is gone before it was read:
so the folder is listed again until nothing new is there.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from streams.auditing.traces.segments import batches, partition_of

_CHUNK_BYTES: Final = 4 << 20
_LISTINGS: Final = 5


class Needle(NamedTuple):
    """Bytes to search for, by the `name` of what they stand for; `folded`: in either case, ASCII only."""

    name: str
    literal: bytes
    folded: bool = False


class Hit(NamedTuple):
    """Where a needle stands: how often in the file, and where first.

    `position` counts bytes from the start of the file; topic, partition and the first offset of the batch are given
    for a segment file.
    """

    name: str
    path: Path
    position: int
    times: int
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


class Searched(NamedTuple):
    """One file: its hits, and how many compressed batches it has, in which nothing can be seen."""

    path: Path
    hits: list[Hit]
    compressed: int


def new_files(folder: Path) -> Iterator[Path]:
    """Every file under the folder, those too that come while the others are read.

    A file that is replaced under the same name is another one.
    """
    seen: set[tuple[Path, int]] = set()
    for _ in range(_LISTINGS):
        found = [file for file in _listed(folder) if file not in seen]
        if not found:
            return
        seen.update(found)
        yield from sorted(path for path, _ in found)


def search(path: Path, needles: Sequence[Needle], advance: Callable[[int], None]) -> Searched:
    """Search one file for the needles; `advance` gets the number of bytes read. A file that is gone holds nothing."""
    try:
        found = _occurrences(path, needles, advance)
        hits, compressed = _in_segment(path, found)
    except FileNotFoundError:
        return Searched(path, [], 0)
    return Searched(path, hits, compressed)


def _listed(folder: Path) -> Iterator[tuple[Path, int]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    yield path, path.stat().st_ino


def _occurrences(
    path: Path, needles: Sequence[Needle], advance: Callable[[int], None]
) -> dict[str, tuple[int, int]]:
    """(first position, count) by name; a needle that two chunks share is seen in the second."""
    found: dict[str, tuple[int, int]] = {}
    keep = max((len(needle.literal) for needle in needles), default=1) - 1
    with path.open("rb") as file:
        start, carried = 0, b""
        while chunk := file.read(_CHUNK_BYTES):
            text = carried + chunk
            lower = text.lower() if any(needle.folded for needle in needles) else text
            for needle in needles:
                for at in _ends_behind(len(carried), lower if needle.folded else text, needle):
                    first, count = found.get(needle.name, (start + at, 0))
                    found[needle.name] = min(first, start + at), count + 1
            carried = text[-keep:] if keep else b""
            start += len(text) - len(carried)
            advance(len(chunk))
    return found


def _ends_behind(seen: int, text: bytes, needle: Needle) -> Iterator[int]:
    """Positions of a needle that do not end within the first bytes, which were searched before."""
    at = text.find(needle.literal)
    while at >= 0:
        if at + len(needle.literal) > seen:
            yield at
        at = text.find(needle.literal, at + 1)


def _in_segment(path: Path, found: dict[str, tuple[int, int]]) -> tuple[list[Hit], int]:
    tp = partition_of(path)
    hits = [Hit(name, path, position, count) for name, (position, count) in found.items()]
    if tp is None:
        return hits, 0
    offsets: dict[str, int] = {}
    compressed = 0
    with path.open("rb") as file:
        for batch in batches(file):
            compressed += batch.compressed
            for hit in hits:
                if hit.position < batch.end:
                    offsets.setdefault(hit.name, batch.offset)
    placed = [
        hit._replace(topic=tp.topic, partition=tp.partition, offset=offsets.get(hit.name))
        for hit in hits
    ]
    return placed, compressed
