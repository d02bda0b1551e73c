"""What the consumer delivers: consecutive records of one partition at a time."""

from collections.abc import Sequence
from typing import Final

from faust.types import TP

from projections.partition import Record

CHUNK_RECORDS: Final = 600


class Chunk:
    """Consecutive records of one partition.

    `after` is the offset up to which the chunks before it reach; `last` the offset up to which the
    partition is read with it: the last record's, or further where compaction or a transaction's
    end left nothing to deliver.
    """

    __slots__ = ("after", "last", "records", "tp")

    def __init__(self, tp: TP, records: Sequence[Record], after: int, last: int) -> None:
        self.tp = tp
        self.records = records
        self.after = after
        self.last = last
