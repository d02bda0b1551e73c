"""What is delivered is cut into chunks, each of which is one step of the loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from projections.partition import Record
from streams.log.chunks import CHUNK_BYTES, CHUNK_RECORDS, chunks


@dataclass
class Fetched:
    """What of a fetched record decides how records are parted."""

    value: bytes | None
    offset: int = 0
    key: bytes = b""
    timestamp: int = 0


SIZES = st.one_of(
    st.none(),
    st.integers(0, 200),
    st.sampled_from([CHUNK_BYTES // 3, CHUNK_BYTES, CHUNK_BYTES + 1]),
)


@given(st.lists(SIZES, max_size=20), st.integers(0, 2 * CHUNK_RECORDS))
def test_records_are_parted_in_order_so_that_each_part_is_one_step(
    sizes: list[int | None], more: int
) -> None:
    values = [None if size is None else bytes(size) for size in sizes] + [b"x"] * more
    records: list[Record] = [Fetched(value, offset) for offset, value in enumerate(values)]

    parts = list(chunks(records))

    assert [record for part in parts for record in part] == records
    for part in parts:
        assert 1 <= len(part) <= CHUNK_RECORDS
        assert len(part) == 1 or _bytes(part) <= CHUNK_BYTES
    if _bytes(records) <= CHUNK_BYTES:
        assert len(parts) == ceil(len(records) / CHUNK_RECORDS)


def _bytes(part: Sequence[Record]) -> int:
    return sum(len(record.value or b"") for record in part)
