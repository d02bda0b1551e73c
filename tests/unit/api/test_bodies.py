"""Bodies are read within their limit and decoded without losing what is wrong with them."""

import asyncio
import codecs
import gzip
import json
import struct
import tracemalloc
from collections.abc import AsyncIterator, Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import check_utf8, decode_json, repeats_a_name
from api.decompression import MAX_MEMBERS, collect
from schemas.errors import NotJson, TooLarge, Unprocessable

LIMIT = 1 << 20
TOO_LARGE = TooLarge("too large")


BOM = codecs.BOM_UTF8


def skippable(size: int = 0) -> bytes:
    """A zstd frame that stands for nothing."""
    return struct.pack("<II", 0x184D2A50, size) + bytes(size)


def read(chunks: list[bytes], encoding: str = "") -> bytes:
    """Read a body that arrives in these chunks."""

    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return asyncio.run(collect(arriving(), encoding, LIMIT, TOO_LARGE))


def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert read([b"a" * LIMIT]) == b"a" * LIMIT
    with pytest.raises(TooLarge):
        read([b"a" * LIMIT, b"a"])


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_gzip_is_taken_in_chunks_of_any_size_and_in_several_members(size: int) -> None:
    packed = gzip.compress(b"hello ") + gzip.compress(b"world" * 10_000)
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert read(chunks, "gzip") == b"hello " + b"world" * 10_000


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_zstd_is_taken_in_chunks_of_any_size(size: int) -> None:
    packed = zstandard.compress(b"world" * 10_000)
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert read(chunks, "zstd") == b"world" * 10_000


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compressed_body_that_is_cut_off_or_is_none_is_not_json(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    packed = pack(b"world" * 10_000)
    for broken in (packed[:-3], b"no archive at all"):
        with pytest.raises(NotJson):
            read([broken], encoding)


def test_an_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(Unprocessable, match="Content-Encoding"):
        read([b"{}"], "br")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_decompression_bomb_costs_no_memory(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    bomb = pack(bytes(300 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read([bomb], encoding)
        assert tracemalloc.get_traced_memory()[1] < 16 * LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "pack", [lambda: gzip.compress(b""), lambda: zstandard.compress(b""), skippable]
)
def test_a_body_of_too_many_empty_members_is_refused(pack: Callable[[], bytes]) -> None:
    encoding = "gzip" if pack()[:2] == b"\x1f\x8b" else "zstd"
    few, many = pack() * MAX_MEMBERS, pack() * (MAX_MEMBERS + 1)
    assert read([few], encoding) == b""
    with pytest.raises(NotJson, match="compress it as one"):
        read([many], encoding)


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
def test_what_arrives_counts_like_what_it_stands_for(encoding: str) -> None:
    padding = (
        skippable(LIMIT) if encoding == "zstd" else b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * LIMIT
    )
    with pytest.raises(TooLarge):
        read([padding], encoding)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nonsense", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b"{} {}",
        b'{"a":01}', b'{"a":"\x01"}', b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b"[" * 100_000,
        b'{"a":1e400,"b":"\xff"}', b'{"a":1e400} {}', BOM + BOM + b"{}", "{}".encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        decode_json(body, object)


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"9" * 5000, b"[1e400]", b'{"b":1e400}'])
def test_a_number_out_of_range_is_told_by_the_name_of_its_property(number: bytes) -> None:
    with pytest.raises(Unprocessable, match=r"^user_role has a number that is out of range$"):
        decode_json(b'{"a":1,"userRole":%b,"c":2}' % number, object)


def test_a_number_out_of_range_that_has_no_name_is_the_bodys() -> None:
    with pytest.raises(Unprocessable, match=r"^The body has a number that is out of range$"):
        decode_json(b"[1e400]", object)


def test_a_body_of_another_shape_is_unprocessable_only_when_all_of_it_is_json() -> None:
    with pytest.raises(Unprocessable, match="wrong shape"):
        decode_json(b'{"a":1}', list[int])
    with pytest.raises(NotJson):
        decode_json(b'{"a":1} {}', list[int])


def test_a_byte_order_mark_is_passed_over() -> None:
    assert decode_json(BOM + b'{"a":1}', object) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (r'"\ud800"', "\x01"),
        (r'"\udc00 and \ud83d\ude00"', "\x01 and 😀"),
        (r'"\ud83d\ud83d\ude00"', "\x01😀"),
        (r'"\\ud800 \ud800"', "\\ud800 \x01"),
    ],
)
def test_a_lone_surrogate_is_read_as_a_control_character(text: str, read_as: str) -> None:
    assert decode_json(text.encode(), object) == read_as


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), st.lists))
def test_any_json_is_read_as_it_is(value: object) -> None:
    assert decode_json(json.dumps(value).encode(), object) == value
    assert decode_json(json.dumps(value, ensure_ascii=False).encode(), object) == value


@given(st.binary(max_size=50))
def test_utf8_is_checked_as_python_checks_it(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError:
        with pytest.raises(NotJson):
            check_utf8(body)
    else:
        check_utf8(body)


# --- names that stand there twice


@given(
    st.dictionaries(st.text(), st.recursive(st.text(), lambda inner: st.lists(inner)), max_size=4),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_an_object_repeats_no_name_unless_one_is_sent_again(
    sent: dict[str, object], indent: int | None, ascii_: bool
) -> None:
    text = json.dumps(sent, indent=indent, ensure_ascii=ascii_)
    body = text.encode(errors="replace")

    assert not repeats_a_name(body)
    if sent:
        again = json.dumps(next(iter(sent)), ensure_ascii=ascii_).encode(errors="replace")
        assert repeats_a_name(body.rstrip()[:-1] + b" , " + again + b" : [] }")


def test_members_of_members_may_bear_a_name_again() -> None:
    assert not repeats_a_name(b'{"filters":[{"filters":[]},{"filters":[]}]}')
    assert not repeats_a_name(b'{"\\ud800":1,"a":2}')
