"""Rows of the outbox lie in packs, and are read, from any place on, as if each lay alone."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import outbox
from projections.outbox import EventTombstone, OutboxRow, PublicDocument
from projections.partition import PartitionState
from projections.working_set import WorkingSet
from tests.support.folding import origin, placed
from tests.support.memory_storage import MemoryStorage

_row: st.SearchStrategy[OutboxRow] = st.builds(EventTombstone, st.binary(max_size=3)) | st.builds(
    PublicDocument, st.just("a" * 24), st.none() | st.binary(max_size=40)
)
# What follows from each event, and after how many events it is written.
_slices = st.lists(st.lists(st.lists(_row, max_size=5), max_size=6), max_size=5)


def _folded(slices: list[list[list[OutboxRow]]]) -> tuple[PartitionState, list[tuple[int, int]]]:
    """A state with these rows, and the places of all of them."""
    state = PartitionState(MemoryStorage(), origin("profile-events"))
    places: list[tuple[int, int]] = []
    offset = 0
    for slice_ in slices:
        working = WorkingSet(state.storage, published=0)
        for made in slice_:
            for number, row in enumerate(made):
                working.emit(offset, row)
                places.append((offset, number))
            offset += 1
        state.commit(working.rows(), offset)
    return state, places


@pytest.fixture(autouse=True, scope="module")
def small_packs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "PACK_ROWS", 4)
        patch.setattr(outbox, "PACK_BYTES", 60)
        yield


@settings(deadline=None)
@given(_slices)
def test_from_every_place_on_the_rows_follow_in_order(slices: list[list[list[OutboxRow]]]) -> None:
    state, places = _folded(slices)
    rows = [row for slice_ in slices for made in slice_ for row in made]

    for n, place in enumerate(places):
        found = list(state.outbox_from(place))
        assert found == [(at[0], row) for at, row in zip(places, rows, strict=True)][n:]


@settings(deadline=None)
@given(_slices, st.integers(0, 30))
def test_what_has_left_is_not_there_any_more(
    slices: list[list[list[OutboxRow]]], published: int
) -> None:
    state, _ = _folded(slices)
    before = placed(state)

    state.left(published)

    assert placed(state) == [row for row in before if row[0] >= published]


@settings(deadline=None)
@given(_slices)
def test_when_all_have_left_no_pack_stays(slices: list[list[list[OutboxRow]]]) -> None:
    state, places = _folded(slices)

    state.left(places[-1][0] + 1 if places else 0)

    assert [key for key, _ in state.storage.scan(b"O", b"P")] == []


def test_a_pack_is_bounded_in_bytes() -> None:
    document = PublicDocument("a" * 24, b"x" * 50, "b" * 24)
    state, _ = _folded([[[document, document, document, document]]])

    packs = [row for _, row in state.storage.scan(b"O", b"P")]

    assert len(packs) == 2
