"""Kafka's segment files, read as files: where a batch of records begins, and whether it is compressed."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

# Base offset, length of what follows, leader epoch, magic, checksum, attributes.
_head: Final = struct.Struct(">qiibIh")
_LENGTH_FROM: Final = 12
_MAGIC: Final = 2
_NAME_DIGITS: Final = 20
_COMPRESSION: Final = 7


class Batch(NamedTuple):
    """A batch of records: where it ends in the file, its first offset, and whether it is compressed."""

    end: int
    offset: int
    compressed: bool


class TopicPartition(NamedTuple):
    """The partition that a file belongs to."""

    topic: str
    partition: int


def partition_of(path: Path) -> TopicPartition | None:
    """The partition of a segment file by its name, ``…/<topic>-<partition>/<offset>.log[.deleted]``.

    None for any other file, and in the folder of a topic that was deleted.
    """
    topic, _, partition = path.parent.name.rpartition("-")
    base, _, kind = path.name.partition(".")
    if len(base) != _NAME_DIGITS or not kind.startswith("log") or not topic:
        return None
    if not partition.isdigit():
        return None
    return TopicPartition(topic, int(partition))


def batches(file: BinaryIO) -> Iterator[Batch]:
    """The batches of a segment file that is open, from its beginning to its end or the first that is cut off."""
    end = 0
    while True:
        file.seek(end)
        head = file.read(_head.size)
        if len(head) < _head.size:
            return
        offset, length, _, magic, _, attributes = _head.unpack(head)
        if magic != _MAGIC or length <= 0:
            return
        end += _LENGTH_FROM + length
        yield Batch(end, offset, bool(attributes & _COMPRESSION))
