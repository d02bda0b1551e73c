"""Searches and counts that are refused, each with its reason (contract §6)."""

from typing import Any

import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error
from tests.support.asking import ANY_WAY, COUNT, SEARCH, Ask, count, ids, search, where
from tests.support.service import Account, eventually


def nested(levels: int) -> dict[str, Any]:
    """A filter within so many groups."""
    return {"kind": "group", "filters": [nested(levels - 1)]} if levels else where("a", "ex")


@ANY_WAY
@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 501}, "limit"),
        ({"before": "nothing"}, "before"),
        ({"after": UNKNOWN_ID}, "after"),
        ({"expand": {"x": "y"}}, "expand"),
        ({"expand": {"profile": "y"}}, "expand[profile]"),
    ],
)
def test_a_bad_page_is_refused(
    account: Account, ask: Ask, parameters: dict[str, Any], word: str
) -> None:
    assert_error(ask(account, SEARCH, parameters), 422, word)


@ANY_WAY
@pytest.mark.parametrize("path", [SEARCH, COUNT])
@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"filters": [where("a", "like", 1)]}, "filters[0].op: send 'ex'"),
        ({"filters": [{"kind": "other"}]}, "filters[0].kind: send 'property'"),
        ({"filters": [where("a", "gt-d", "soon")]}, "filters[0].value"),
        ({"filters": [{"kind": "group", "filters": [where("a", "?")]}]}, "filters[0].filters[0]"),
        ({"filters": [where("a", "ex")] * 101}, "100"),
        ({"filters": [nested(50)]}, "levels"),
        ({"filters": [where("a", "in", "x")] * 6}, "5"),
        ({"filters": [where("a", "in", "x" * 65)]}, "64"),
        ({"filters": [where("a", "in-v", ",".join("x" * 1001))]}, "1000 values"),
        ({"filters": [where("a.b.c.d.e.f", "ex")]}, "filters[0].prop"),
        ({"filters": [], "filters_op": "xor"}, "filters_op"),
    ],
)
def test_a_bad_filter_is_refused_by_its_place(
    account: Account, ask: Ask, path: str, parameters: dict[str, Any], word: str
) -> None:
    assert_error(ask(account, path, parameters), 422, word)


def test_a_place_that_is_skipped_is_refused(account: Account) -> None:
    answer = account.http.get(SEARCH, params={"filters[1][kind]": "property"})

    assert_error(answer, 422, "filters")


def test_json_and_brackets_at_once_are_refused(account: Account) -> None:
    answer = account.http.get(SEARCH, params={"filters": "[]", "filters[0][kind]": "property"})

    assert_error(answer, 422, "filters")


def test_filters_that_are_no_json_are_refused(account: Account) -> None:
    assert_error(account.http.get(SEARCH, params={"filters": "["}), 422, "filters")


def test_a_body_that_is_no_json_is_a_400(account: Account) -> None:
    assert_error(account.http.post(SEARCH, content=b"["), 400)


def test_tracked_events_are_counted_by_searches(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)
    for _ in range(2):
        account.http.post("/v3/observe/hooks/events", json={"uid": uid, "name": "Imported leads"})
    often = {"kind": "event", "prop": "imported_leads", "op": "eq", "value": 2}

    eventually(lambda: ids(search(account, often)) == [id_])
    account.http.delete(f"/v3/edit/profiles/{id_}").raise_for_status()

    eventually(lambda: count(account, often) == 0)
