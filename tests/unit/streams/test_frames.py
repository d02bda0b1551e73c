"""Frames between the service and the process of the search index, as a stream of bytes brings them."""

from hypothesis import given
from hypothesis import strategies as st

from streams.indexing import frames

_CHANGES = st.builds(
    frames.Changes,
    st.integers(0, 63),
    st.lists(st.text(max_size=5), max_size=3),
    st.lists(st.none() | st.binary(max_size=300), max_size=3),
    st.just({}),
    st.booleans(),
)
_REQUESTS = st.lists(_CHANGES | st.just(frames.Commit()), max_size=6)


@given(_REQUESTS, st.lists(st.integers(1, 200), max_size=40))
def test_requests_come_out_as_they_went_in_wherever_the_stream_is_cut(
    requests: list[frames.Request], cuts: list[int]
) -> None:
    rest = b"".join(map(frames.frame, requests))
    received = frames.Frames()
    out: list[frames.Request] = []
    for size in [*cuts, len(rest)]:
        part, rest = rest[:size], rest[size:]
        out += map(frames.decode_request, received.feed(part))
    out += map(frames.decode_request, received.feed(rest))
    assert out == requests
