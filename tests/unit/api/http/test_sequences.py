"""Whatever requests come on one connection, and however they are cut into packets: each has its answer, in order."""

from typing import Final

import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.http_server import serving

_OFFER: Final = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, str, str]:
    """A request as it is sent, its path, and its body."""
    path = f"/{draw(st.text('abc', min_size=1, max_size=8))}"
    body = draw(st.text("xyz\r\n:0", max_size=40))
    headers = draw(
        st.sampled_from(["", _OFFER, "Expect: 200-ok\r\n", "Connection: keep-alive\r\n"])
    )
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    if kind == "none":
        return f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode(), path, ""
    if kind == "length":
        framing, framed = f"Content-Length: {len(body)}", body
    else:
        size = draw(st.integers(1, 7))
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        extension = draw(st.sampled_from(["", ";a=b"]))
        trailer = draw(st.sampled_from(["", "T: v\r\n"]))
        framed = "".join(f"{len(each):x}{extension}\r\n{each}\r\n" for each in chunks)
        framing, framed = "Transfer-Encoding: chunked", f"{framed}0\r\n{trailer}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}{framing}\r\n\r\n"
    return (head + framed).encode(), path, body


@settings(max_examples=60, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=6), st.data())
def test_each_request_has_its_answer_in_its_turn(
    sent: list[tuple[bytes, str, str]], data: st.DataObject
) -> None:
    stream = b"".join(each for each, _, _ in sent)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=6)))
    packets = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    async def main() -> None:
        async with serving() as server:
            client = await server.connect()
            for packet in packets:
                client.protocol.data_received(packet)
            for _, path, body in sent:
                status, _, seen = await client.receive()
                assert (status, seen["path"], seen["body"]) == (200, path, body)
            assert client.protocol in server.crowd.idle

    uvloop.run(main())
