"""Where streams of changes resume (contract §13)."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.stream_cursors import StreamCursor, decode_stream_cursor, encode_stream_cursor

OFFSETS = st.integers(0, 1 << 62)
CURSORS = st.builds(
    StreamCursor, st.integers(0, 1 << 45), st.lists(OFFSETS, max_size=20).map(tuple)
)
NAMES = st.text("0123456789abcdef", min_size=24, max_size=24)


@given(CURSORS, NAMES, NAMES)
def test_a_cursor_comes_back(cursor: StreamCursor, account: str, log: str) -> None:
    assert decode_stream_cursor(encode_stream_cursor(cursor, account, log), account, log) == cursor


@given(CURSORS, NAMES, NAMES, NAMES)
def test_a_cursor_of_another_account_or_log_is_none(
    cursor: StreamCursor, account: str, log: str, other: str
) -> None:
    text = encode_stream_cursor(cursor, account, log)

    assert other == account or decode_stream_cursor(text, other, log) is None
    assert other == log or decode_stream_cursor(text, account, other) is None


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_none(text: str) -> None:
    assert decode_stream_cursor(text, "a" * 24, "b" * 32) is None


@given(CURSORS)
def test_a_cursor_goes_into_a_header_and_a_query_as_it_is(cursor: StreamCursor) -> None:
    text = encode_stream_cursor(cursor, "a" * 24, "b" * 32)

    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=")
