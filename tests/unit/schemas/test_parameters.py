"""What a request asks: its query and its body together (contract §6)."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Unprocessable
from schemas.search.parameters import PAGE, SEARCH, check_names, joined


def refusal(parameters: dict[str, Any], known: tuple[str, ...] = SEARCH) -> list[str]:
    with pytest.raises(Unprocessable) as refused:
        check_names(parameters, known)
    return refused.value.messages


def test_they_are_in_the_query_or_in_the_body() -> None:
    query = [("filters[0][op]", "ex"), ("limit", "5"), ("account_secret", "a")]

    assert joined(query, {"filters_op": "or", "account_secret": "b"}) == {
        "filters": [{"op": "ex"}],
        "limit": "5",
        "filters_op": "or",
    }


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ([("uid", "5"), ("uid", "6")], {}),
        ([("filters", "[]"), ("limit", "5"), ("filters", "[]")], {}),
        ([("limit", "5")], {"limit": 5}),
        ([("limit", "5"), ("limit", "6")], {}),
        ([("filters", "[]")], {"filters": None}),
        ([("filters[0][op]", "ex")], {"filters": []}),
        ([("expand.company", "all")], {"expand": {"profile": "min"}}),
        ([("expand[company]", "all")], {"expand.profile": "min"}),
        ([], {"expand": {"company": "all"}, "expand.profile": "min"}),
        ([("expand.company", "all"), ("expand", "{}")], {}),
        ([("expand.company", "all"), ("expand[company]", "all")], {}),
    ],
)
def test_twice_is_refused(query: list[tuple[str, str]], body: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable) as refused:
        joined(query, body)
    assert " once" in refused.value.messages[0]


def test_an_expansion_is_also_spelled_with_a_dot() -> None:
    expected = {"expand": {"company": "all", "profile": "min"}}
    names = {"expand.company": "all", "expand.profile": "min"}

    assert joined(names.items(), {}) == expected
    assert joined([], names) == expected


@pytest.mark.parametrize("blank", [None, ""])
def test_blank_bounds_were_not_sent(blank: str | None) -> None:
    body: dict[str, Any] = dict.fromkeys(("limit", "before", "after", "id"), blank)

    assert joined([], {**body, "filters": None, "uid": ""}) == {"filters": None, "uid": ""}
    assert joined([("before", ""), ("limit", "5")], {}) == {"limit": "5"}
    assert joined([("limit", "5"), ("before", "")], {"limit": blank, "before": 7}) == {
        "limit": "5",
        "before": 7,
    }
    assert joined([("limit", ""), ("limit", "5")], {}) == {"limit": "5"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("filter", "did you mean filters?"),
        ("filter[0][op]", "did you mean filters?"),
        ("Filters", "did you mean filters?"),
        ("FILTERS", "did you mean filters?"),
        ("FILTERS_OP[0]", "did you mean filters_op?"),
        ("filters_ops", "did you mean filters_op?"),
        ("filters.0.op", "with brackets, as in filters[0][op]=eq"),
        ("befor", "did you mean before?"),
        ("expand_company", "did you mean expand?"),
        ("segment_id", "send filters, filters_op, limit"),
        ("segment_ids", "send filters, filters_op, limit"),
        ("prop", "send filters, an array of filters"),
        ("kind", "send filters, an array of filters"),
        ("", "send filters"),
    ],
)
def test_an_unknown_one_is_named_beside_what_may_be_meant(name: str, meant: str) -> None:
    (message,) = refusal({name: None, "limit": 5})
    assert message.startswith(f"{name}: no such parameter here; ")
    assert meant in message


def test_a_long_list_of_long_names_is_a_short_answer() -> None:
    messages = refusal({f"{n}\x1b\ud800" + "x" * 100_000: 1 for n in range(20)}, PAGE)

    assert len(messages) == 10
    assert all(len(message) < 200 and message.isprintable() for message in messages)


names = st.sampled_from(
    ["filters", "filters[0][op]", "expand.x", "expand[", "limit", "expand", "id"]
)


@given(
    st.lists(st.tuples(names | st.text(), st.text())),
    st.dictionaries(names | st.text(), st.none() | st.text() | st.integers()),
)
def test_any_are_taken_or_refused(query: list[tuple[str, str]], body: dict[str, Any]) -> None:
    with suppress(Unprocessable):
        check_names(joined(query, body), SEARCH)
