"""Searches as they are sent: query strings, limits, bounds and cursors (contract §6)."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Unprocessable
from schemas.expansion import Expand
from schemas.search.brackets import from_query
from schemas.search.conditions import EVERYBODY, Moment
from schemas.search.cursors import SortKey, decode_cursor, encode_cursor
from schemas.search.request import ProfileId, SearchRequest, parse_search

NOW = 1_870_258_680_000
ID = "0123456789abcdef01234567"
SORT_KEY = SortKey(NOW, ID)


def search(**parameters: object) -> SearchRequest:
    return parse_search(parameters, "account", NOW)


def refusal(**parameters: object) -> str:
    with pytest.raises(Unprocessable) as refused:
        search(**parameters)
    (message,) = refused.value.messages
    return message


# --- parameters


def test_what_is_not_said() -> None:
    assert search() == SearchRequest(EVERYBODY, 50, None, None, Expand())


@pytest.mark.parametrize(("sent", "limit"), [(1, 1), (500, 500), ("7", 7)])
def test_a_limit(sent: object, limit: int) -> None:
    assert search(limit=sent).limit == limit


@pytest.mark.parametrize(
    "sent", [0, -1, 501, "0", "-1", "501", "", "ten", 5.0, True, None, [5], "٣"]
)
def test_a_limit_that_is_none(sent: object) -> None:
    assert refusal(limit=sent) == "limit: send a whole number from 1 to 500"


@pytest.mark.parametrize("name", ["before", "after"])
@pytest.mark.parametrize(
    ("sent", "bound"),
    [
        (ID, ProfileId(ID)),
        (encode_cursor(SORT_KEY, "account"), SORT_KEY),
        ("2029-04-07T12:18:00Z", Moment(NOW)),
        ("2029-04-07", Moment(1_870_214_400_000)),
        (1_870_258_680, Moment(NOW)),
        (None, None),
    ],
)
def test_a_bound(name: str, sent: object, bound: object) -> None:
    request = search(**{name: sent})
    assert {"before": request.before, "after": request.after}[name] == bound


@pytest.mark.parametrize(
    "sent", ["", "abc", encode_cursor(SORT_KEY, "another account"), 5, True, [], {}, "a\x00", "ü"]
)
def test_a_bound_that_is_none(sent: object) -> None:
    assert refusal(before=sent).startswith("before: send the cursor of an answer to this account")


def test_expand() -> None:
    assert search(expand={"company": "all"}).expand == Expand(company="all")
    assert refusal(expand={"x": "y"}) == "expand: only profile, company, events can be expanded"
    assert refusal(expand={"company": "y"}) == "expand[company] must be one of all, min, skip"
    assert refusal(expand={"company": ["all"]}).startswith("expand[company] must be one of")
    assert refusal(expand=["company"]).startswith("expand: send an object")


# --- cursors


@given(st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 96) - 1), st.text())
def test_a_cursor_says_its_place_to_its_account(created: int, id_: int, account: str) -> None:
    sort_key = SortKey(created, f"{id_:024x}")
    cursor = encode_cursor(sort_key, account)
    assert decode_cursor(cursor, account) == sort_key
    assert decode_cursor(cursor, account + "x") is None
    assert cursor.isascii()
    assert len(cursor) == 36


@given(st.text() | st.binary(min_size=27, max_size=27).map(lambda said: said.hex()))
def test_any_other_text_is_no_cursor(text: str) -> None:
    assert decode_cursor(text, "account") is None


def test_a_changed_cursor_is_none() -> None:
    cursor = encode_cursor(SORT_KEY, "account")
    for at, was in enumerate(cursor):
        changed = "B" if was == "A" else "A"
        assert decode_cursor(cursor[:at] + changed + cursor[at + 1 :], "account") is None


# --- query strings

PLAN = {"kind": "property", "prop": "plan", "op": "eq", "value": "gold"}


def test_filters_in_brackets() -> None:
    pairs = [
        *((f"filters[0][{name}]", value) for name, value in PLAN.items()),
        ("filters[1][kind]", "group"),
        ("filters[1][filters_op]", "or"),
        ("filters[1][filters][0][kind]", "event"),
        ("filters[1][filters][0][value]", ""),
        ("filters_op", "or"),
        ("expand[company]", "all"),
        ("limit", "5"),
    ]
    assert from_query(pairs) == {
        "filters": [
            PLAN,
            {"kind": "group", "filters_op": "or", "filters": [{"kind": "event", "value": ""}]},
        ],
        "filters_op": "or",
        "expand": {"company": "all"},
        "limit": "5",
    }


def test_filters_as_json() -> None:
    assert from_query([("filters", json.dumps([PLAN])), ("limit", "5")]) == {
        "filters": [PLAN],
        "limit": "5",
    }


def test_an_expansion_as_json() -> None:
    assert from_query([("expand", '{"company":"all"}')]) == {"expand": {"company": "all"}}


def test_more_than_ten_filters_keep_their_order() -> None:
    pairs = [(f"filters[{index}][prop]", str(index)) for index in reversed(range(12))]
    assert from_query(pairs) == {"filters": [{"prop": str(index)} for index in range(12)]}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("filters", "{")], "filters: send a JSON array, or brackets"),
        ([("filters", "[" * 100_000)], "filters: send a JSON array, or brackets"),
        ([("filters", "[1e999]")], "filters: send a JSON array, or brackets"),
        ([("filters[0][op", "eq")], "filters: close each bracket"),
        ([("filters[0]op]", "eq")], "filters: close each bracket"),
        ([("filters[0][op]", "a"), ("filters[0][op]", "b")], "filters: send each place once"),
        ([("filters[0]", "a"), ("filters[0][op]", "b")], "filters: send each place once"),
        ([("filters[0][op]", "a"), ("filters[0]", "b")], "filters: send each place once"),
        ([("filters[1][op]", "a")], "filters: number the places 0, 1, 2"),
        ([("filters[00][op]", "a")], "filters: number the places 0, 1, 2"),
        ([("filters", "[]"), ("filters[0][op]", "a")], "filters: send it once"),
        ([("filters" + "[0][filters]" * 50, "a")], "filters: send groups at most 10 levels deep"),
        ([("expand[x", "y")], "expand: close each bracket"),
        ([("expand", "company")], "expand: send a JSON object, or brackets"),
        ([("expand", "{}"), ("expand[company]", "all")], "expand: send it once"),
    ],
)
def test_a_query_that_spells_nothing(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        from_query(pairs)
    assert refused.value.messages[0].startswith(message)


roots = st.sampled_from(["filters", "expand", "limit", "before"])
parts = st.sampled_from(["[0]", "[1]", "[filters]", "[op]", "[]", "[company]", "[²]", "[", "]"])
names = st.tuples(roots, st.lists(parts, max_size=24).map("".join)).map("".join)


@given(st.lists(st.tuples(names | st.text(), st.text())))
def test_any_query_is_understood_or_refused(pairs: list[tuple[str, str]]) -> None:
    with suppress(Unprocessable):
        parse_search(from_query(pairs), "account", NOW)
