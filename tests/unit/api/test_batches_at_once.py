"""What is received at once is bounded: by number for an account, by bytes for all."""

import contextlib

import pytest

from api.limits.batches_at_once import SMALL, Intake
from schemas.errors import TooManyRequests, Unavailable

MIB = 1 << 20


def intake(max_batches: int = 4, max_bytes: int = 32 * MIB) -> Intake:
    return Intake(max_batches=max_batches, max_bytes=max_bytes, wait_seconds=60)


def test_an_account_has_so_many_batches_at_once_and_another_has_its_own() -> None:
    bounds = intake(2)
    with bounds.batch("a", None), bounds.batch("a", None):
        with pytest.raises(TooManyRequests) as refused, bounds.batch("a", None):
            pass
        assert refused.value.wait > 0
        with bounds.batch("b", None):
            pass
    with bounds.batch("a", None), bounds.batch("a", None):
        pass


def test_repeats_with_one_key_count_as_one() -> None:
    bounds = intake(1)
    with bounds.batch("a", "key"):
        with bounds.batch("a", "key"):
            pass
        with pytest.raises(TooManyRequests), bounds.batch("a", "other"):
            pass
    with bounds.batch("a", "other"):
        pass


def test_a_batch_that_fails_counts_no_longer() -> None:
    bounds = intake(1)
    with (
        contextlib.suppress(ValueError),
        bounds.batch("a", None),
        bounds.room(MIB, authenticated=True),
    ):
        raise ValueError
    with bounds.batch("a", None):
        pass


def test_large_bodies_have_so_much_room_and_then_503() -> None:
    bounds = intake()
    with bounds.room(16 * MIB, authenticated=True), bounds.room(16 * MIB, authenticated=True):
        with pytest.raises(Unavailable) as refused, bounds.room(2 * MIB, authenticated=True):
            pass
        assert refused.value.retry_after > 0
    with bounds.room(32 * MIB, authenticated=True):
        pass


def test_neither_small_bodies_nor_those_without_a_secret_are_held_up_by_large_ones() -> None:
    bounds = intake()
    with (
        bounds.room(32 * MIB, authenticated=True),
        bounds.room(SMALL, authenticated=True),
        bounds.room(8 * MIB, authenticated=False),
    ):
        with pytest.raises(Unavailable), bounds.room(1, authenticated=False):
            pass
        with bounds.room(SMALL, authenticated=True):
            pass


def test_a_body_larger_than_all_room_is_taken_alone() -> None:
    bounds = intake(max_bytes=MIB)
    with (
        bounds.room(16 * MIB, authenticated=True),
        pytest.raises(Unavailable),
        bounds.room(2 * MIB, authenticated=True),
    ):
        pass
    with bounds.room(16 * MIB, authenticated=False):
        pass


def test_a_body_that_turned_out_shorter_leaves_room() -> None:
    bounds = intake()
    with bounds.room(32 * MIB, authenticated=True) as room:
        room.settle(2 * MIB)
        with bounds.room(30 * MIB, authenticated=True):
            pass


def test_a_body_whose_secret_was_in_it_makes_room_for_the_next() -> None:
    bounds = intake()
    with bounds.room(8 * MIB, authenticated=False) as room:
        room.settle(8 * MIB)
        with bounds.room(8 * MIB, authenticated=False):
            pass
        with pytest.raises(Unavailable), bounds.room(32 * MIB, authenticated=True):
            pass
    with bounds.room(32 * MIB, authenticated=True):
        pass


def test_there_may_be_no_room_for_a_body_whose_secret_was_in_it() -> None:
    bounds = intake()
    with bounds.room(32 * MIB, authenticated=True):
        with pytest.raises(Unavailable), bounds.room(8 * MIB, authenticated=False) as room:
            room.settle(8 * MIB)
        with bounds.room(8 * MIB, authenticated=False):
            pass


def test_it_is_said_when_no_large_body_is_left() -> None:
    emptied: list[str] = []
    bounds = Intake(
        max_batches=4, max_bytes=32 * MIB, wait_seconds=60, emptied=lambda: emptied.append("now")
    )
    with bounds.room(16 * MIB, authenticated=True), bounds.room(SMALL, authenticated=True):
        with bounds.room(2 * MIB, authenticated=True):
            pass
        assert not emptied
    assert emptied == ["now"]
