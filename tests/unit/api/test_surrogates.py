"""Lone surrogates are replaced where they are, in linear time, whatever stands around them."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import api.surrogates
from api.surrogates import may_hold_surrogates, replace_surrogates

ESCAPES = st.sampled_from(
    [
        r"\\",
        r"\ud83d",
        r"\uD83D",
        r"\ude00",
        r"\uDE00",
        r"\u00e9",
        r"\n",
        r"\"",
        "u",
        "d",
        "ud800",
        "é",
    ]
)
TEXTS = st.lists(ESCAPES, max_size=60).map(lambda parts: f'"{"".join(parts)}"'.encode())


def replaced(body: bytes) -> bytes:
    return b"".join(replace_surrogates(body))


def expected(body: bytes) -> str:
    """The text that Python reads, with what is no character replaced."""
    return "".join("\x01" if "\ud800" <= each <= "\udfff" else each for each in json.loads(body))


@given(TEXTS)
def test_pairs_and_escaped_backslashes_stay(body: bytes) -> None:
    assert json.loads(replaced(body)) == expected(body)
    assert len(replaced(body)) == len(body)


@given(TEXTS)
def test_it_is_the_same_wherever_a_part_ends(body: bytes) -> None:
    whole = replaced(body)
    with pytest.MonkeyPatch.context() as patch:
        for size in (2, 5, 7, 13):
            patch.setattr(api.surrogates, "_SLICE", size)
            assert replaced(body) == whole


@given(TEXTS)
def test_a_body_with_a_lone_surrogate_is_always_looked_at(body: bytes) -> None:
    assert replaced(body) == body or may_hold_surrogates(body)


def test_a_body_of_backslashes_alone_is_not_looked_at() -> None:
    assert not may_hold_surrogates(b'{"profiles":["' + b"\\" * (1 << 20))


@pytest.mark.parametrize("unit", [rb"\ud800", b"\\", rb"\ud83d\ude00", rb"\\ud800", rb"\ud800x"])
def test_memory_grows_with_the_length_alone(unit: bytes) -> None:
    body = unit * ((1 << 20) // len(unit))
    tracemalloc.start()
    try:
        for part in replace_surrogates(body):
            assert len(part) <= 1 << 16
        assert tracemalloc.get_traced_memory()[1] < 3 * len(body)
    finally:
        tracemalloc.stop()
