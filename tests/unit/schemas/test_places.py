"""The places at which streams of changes resume (contract §13)."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.places import ChangePlace, decode_place, encode_place

OFFSETS = st.integers(0, 1 << 62)
PLACES = st.builds(ChangePlace, st.integers(0, 1 << 45), st.lists(OFFSETS, max_size=20).map(tuple))
NAMES = st.text("0123456789abcdef", min_size=24, max_size=24)


@given(PLACES, NAMES, NAMES)
def test_a_place_comes_back(place: ChangePlace, account: str, log: str) -> None:
    assert decode_place(encode_place(place, account, log), account, log) == place


@given(PLACES, NAMES, NAMES, NAMES)
def test_a_place_of_another_account_or_log_is_none(
    place: ChangePlace, account: str, log: str, other: str
) -> None:
    text = encode_place(place, account, log)

    assert other == account or decode_place(text, other, log) is None
    assert other == log or decode_place(text, account, other) is None


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_none(text: str) -> None:
    assert decode_place(text, "a" * 24, "b" * 32) is None


@given(PLACES)
def test_a_place_goes_into_a_header_and_a_query_as_it_is(place: ChangePlace) -> None:
    text = encode_place(place, "a" * 24, "b" * 32)

    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=")
