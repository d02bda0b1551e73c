"""What the consumer delivers: consecutive records of one partition at a time, few enough for one step of the loop."""

from collections.abc import Iterator, Sequence
from typing import Final

from faust.types import TP

from projections.partition import Record

CHUNK_RECORDS: Final = 600
CHUNK_BYTES: Final = 256 << 10
"""Records of so many bytes together are folded in one step of the loop; one that is larger alone."""


class Chunk:
    """Consecutive records of one partition.

    `after` is the offset up to which the chunks before it reach; `last` the offset up to which the
    partition is read with it: the last record's, or further where compaction or a transaction's
    end left nothing to deliver. `is_full` when more records have been fetched, or may have been.
    """

    __slots__ = ("after", "is_full", "last", "records", "tp")

    def __init__(
        self, tp: TP, records: Sequence[Record], after: int, last: int, *, is_full: bool = False
    ) -> None:
        self.tp = tp
        self.records = records
        self.after = after
        self.last = last
        self.is_full = is_full


def chunks(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Consecutive records in parts of at most `CHUNK_RECORDS` and `CHUNK_BYTES`; a larger record is a part alone."""
    for start in range(0, len(records), CHUNK_RECORDS):
        part = records[start : start + CHUNK_RECORDS]
        sizes = [len(record.value or b"") for record in part]
        if sum(sizes) <= CHUNK_BYTES:
            yield part
            continue
        first = size = 0
        for index, length in enumerate(sizes):
            if index > first and size + length > CHUNK_BYTES:
                yield part[first:index]
                first, size = index, 0
            size += length
        yield part[first:]
