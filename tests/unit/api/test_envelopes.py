"""Bodies of batches are taken apart in bounded memory, and what is wrong with an item is the item's."""

import asyncio
import contextlib
import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import api.envelopes
from api.envelopes import (
    MAX_ITEMS,
    SLICE,
    CompanyEnvelope,
    Envelope,
    EventEnvelope,
    decode_item,
    decode_items,
    open_envelope,
    slices,
)
from schemas.errors import NotJson, RequestError, TooLarge, Unprocessable

FULL = 1 << 20
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def split(body: bytes, kind: type[Envelope] = Envelope) -> list[msgspec.Raw]:
    async def opened() -> list[msgspec.Raw]:
        return await (await open_envelope(body, kind)).split()

    return asyncio.run(opened())


def full(start: bytes, unit: bytes, end: bytes) -> bytes:
    """A body as long as a batch may be."""
    return start + unit * ((FULL - len(start) - len(end)) // len(unit)) + end


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Envelope, "profiles"), (EventEnvelope, "events"), (CompanyEnvelope, "companies")],
)
def test_items_are_split_and_not_decoded(kind: type[Envelope], name: str) -> None:
    items = split(b'{"%b":[{"a":1e400}, [1] ,"x"]}' % name.encode(), kind)

    assert [bytes(item) for item in items] == [b'{"a":1e400}', b"[1]", b'"x"']


@given(st.lists(JSON, min_size=1, max_size=20), st.sampled_from([None, 1]))
def test_any_items_are_counted_without_a_list_of_them(
    items: list[object], indent: int | None
) -> None:
    body = json.dumps({"profiles": items}, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.envelopes, "_FEW_COMMAS", 0)
        patch.setattr(api.envelopes, "MAX_ITEMS", len(items))
        assert [json.loads(bytes(item)) for item in split(body)] == items
        patch.setattr(api.envelopes, "MAX_ITEMS", len(items) - 1)
        with pytest.raises(TooLarge):
            split(body)


@pytest.mark.parametrize("unit", [b"1,", b'{"a":1,"b":2},'])
def test_too_many_items_cost_no_more_memory_than_the_body(
    monkeypatch: pytest.MonkeyPatch, unit: bytes
) -> None:
    body = full(b'{"profiles":[', unit, b"0]}")
    monkeypatch.setattr(api.envelopes, "_FEW_COMMAS", MAX_ITEMS // 32)
    monkeypatch.setattr(api.envelopes, "MAX_ITEMS", MAX_ITEMS // 32)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match=f"at most {MAX_ITEMS} items"):
            split(body)
        assert tracemalloc.get_traced_memory()[1] < 2 * FULL
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "start",
    [b'{"account_secret":[', b'{"on_model_missing":[', b'{"else":[', b'{"profiles":[['],
)
def test_what_stands_for_a_text_or_an_item_is_not_decoded(start: bytes) -> None:
    beside = b"profiles" not in start
    body = full(start, b"[],", b'[]],"profiles":[]}' if beside else b"[]]]}")
    refused = pytest.raises(Unprocessable, match="more than 65536 bytes")
    tracemalloc.start()
    try:
        with refused if beside else contextlib.nullcontext():
            asyncio.run(open_envelope(body, Envelope))
        assert tracemalloc.get_traced_memory()[1] < 2 * FULL
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "beside",
    [b'"x":1e400', b'"x":{"y":[%b]}' % (b"9" * 5000), b'"account_secret":1e400', b'"profiles":[]'],
)
@pytest.mark.parametrize("form", [b'{%b,"profiles":[{"uid":1}]}', b'{"profiles":[{"uid":1}],%b}'])
def test_what_is_wrong_beside_the_items_is_unprocessable(form: bytes, beside: bytes) -> None:
    with pytest.raises(Unprocessable, match=r"out of range|one name twice"):
        split(form % beside)


def test_items_that_would_be_lost_behind_a_second_array_are_refused() -> None:
    first = b"[%b]" % b",".join(b'{"uid":%d}' % uid for uid in range(10_000))

    with pytest.raises(Unprocessable, match="each name once"):
        split(b'{"profiles":%b,"profiles":[]}' % first)


def test_blanks_around_a_body_are_nothing_beside_the_items() -> None:
    blanks = b" \n" * (1 << 16)

    assert len(split(blanks + b'{"profiles":[{}]}' + blanks)) == 1


def test_what_nobody_reads_beside_the_items_is_passed_over() -> None:
    assert len(split(rb'{"source":"\ud800","\ud800":1,"profiles":[{}],"sent":{"at":17}}')) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{} {}",
        b'{"profiles":[]} {}',
        b'{"profiles":1} []',
        b'{"profiles":[1 2]}',
        b'{"profiles":["\xff"]}',
    ],
)
def test_what_is_not_one_json_value_is_not_json(body: bytes) -> None:
    with pytest.raises(NotJson):
        split(body)


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"profiles":{}}', b'{"profiles":null}', b'{"profiles":1e400}']
)
def test_a_body_without_an_array_is_unprocessable(body: bytes) -> None:
    with pytest.raises(Unprocessable):
        split(body)


@pytest.mark.parametrize("wish", [b"1e400", b"9" * 5000, b"null", b'"other"', b"[]", rb'"\ud800"'])
def test_a_bad_wish_is_known_before_the_first_item_is_taken(wish: bytes) -> None:
    body = b'{"profiles":[],"on_model_missing":%b}' % wish

    with pytest.raises(Unprocessable, match="on_model_missing"):
        asyncio.run(open_envelope(body, Envelope)).ignores_missing()


@pytest.mark.parametrize(
    ("secret", "read"),
    [
        (b'"s\\u00e9"', "sé"),
        (b"17", None),
        (b'"%b"' % (rb"\n" * (1 << 14)), None),  # no secret is so long
    ],
)
def test_the_secret_is_a_text(secret: bytes, read: str | None) -> None:
    envelope = asyncio.run(open_envelope(b'{"profiles":[],"account_secret":%b}' % secret, Envelope))

    assert envelope.secret == read


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (b'{"uid":1,"userRole":1e400}', "user_role has a number that is out of range"),
        (b'{"uid":%b}' % (b"9" * 5000), "uid has a number that is out of range"),
        (b'{"!":[1e999]}', "a property without a name has a number that is out of range"),
        (b"1e400", "The item has a number that is out of range"),
        (b"[" * 900 + b"1e400" + b"]" * 900, "The item has a number that is out of range"),
        (b"[]", "The item must be a JSON object"),
        (b"null", "The item must be a JSON object"),
    ],
)
def test_what_is_wrong_with_an_item_is_its_own_error(item: bytes, message: str) -> None:
    (raw,) = split(b'{"profiles":[%b]}' % item)

    with pytest.raises(Unprocessable, match=f"^{message}$"):
        decode_item(raw, 10_000)


def test_an_item_over_its_limit_is_too_large() -> None:
    (raw,) = split(b'{"profiles":[{"a":"1234567890"}]}')

    assert decode_item(raw, 18) == {"a": "1234567890"}
    with pytest.raises(TooLarge):
        decode_item(raw, 17)


def test_a_bad_item_stops_no_other() -> None:
    first, error, last = decode_items(split(b'{"profiles":[{"a":1},1e400,{"b":2}]}'), 1000)

    assert (first, last) == ({"a": 1}, {"b": 2})
    assert isinstance(error, RequestError)


@given(st.lists(st.integers(2, 400), max_size=60), st.integers(1, 30))
def test_slices_and_their_steps_have_every_item_once(sizes: list[int], most: int) -> None:
    items = split(b'{"profiles":[%b]}' % b",".join(b'"%b"' % (b"x" * (size - 2)) for size in sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.envelopes, "SLICE", most)
        patch.setattr(api.envelopes, "_SLICE_BYTES", 1000)
        patch.setattr(api.envelopes, "_STEP_BYTES", 300)
        parts = list(slices(items))
    for pieces, bound in ((parts, 1000), ([step for part in parts for step in part.steps()], 1000)):
        assert [item for piece in pieces for item in piece.items] == items
        at = 0
        for piece in pieces:
            assert piece.start == at
            assert piece.size == sum(sizes[at : at + len(piece.items)]) <= bound
            at += len(piece.items)


def test_a_slice_has_no_more_items_than_are_appended_together() -> None:
    items = split(b'{"profiles":[%b1]}' % (b"1," * 2500))

    assert [len(part.items) for part in slices(items)] == [SLICE, SLICE, 501]
