"""Contract §10: the list of companies takes the filters of §6, and so does a count."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.expectations import assert_error
from tests.support.service import Account, Service, marked

HOOK = "/v3/observe/hooks/companies"
COMPANIES = "/v3/analyze/companies"
COUNT = f"{COMPANIES}/count"
SEATS = range(6)

Ask = Callable[[Account, str, dict[str, Any]], httpx.Response]


def by_json_in_query(account: Account, path: str, parameters: dict[str, Any]) -> httpx.Response:
    spelled = {**parameters, "filters": json.dumps(parameters["filters"])}
    return account.http.get(path, params=spelled)


def by_brackets(account: Account, path: str, parameters: dict[str, Any]) -> httpx.Response:
    query = {name: value for name, value in parameters.items() if name != "filters"}
    for index, filter_ in enumerate(parameters["filters"]):
        query |= {f"filters[{index}][{name}]": value for name, value in filter_.items()}
    return account.http.get(path, params=query)


def by_post(account: Account, path: str, parameters: dict[str, Any]) -> httpx.Response:
    return account.http.post(path, json=parameters)


ANY_WAY = pytest.mark.parametrize("ask", [by_json_in_query, by_brackets, by_post])


@pytest.fixture(scope="module")
def crowd(service: Service) -> Account:
    """An account of its own, whose companies differ in their seats, every other one on gold."""
    account = service.create_account("Filtered companies")
    for seats in SEATS:
        plan = "gold" if seats % 2 else "free"
        push(account, uid=f"{marked('company')}", seats=seats, plan=plan, Address={"city": "Köln"})
    return account


def push(account: Account, **parameters: object) -> None:
    answer = account.http.post(HOOK, json=parameters)
    assert answer.is_success, answer.text


def where(prop: str, op: str, value: object) -> dict[str, object]:
    return {"kind": "property", "prop": prop, "op": op, "value": value}


def seats(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [company["seats"] for company in answer.json()["companies"]]


GOLD = where("plan", "eq", "gold")


@ANY_WAY
def test_a_list_shows_the_companies_that_meet_its_filters(crowd: Account, ask: Ask) -> None:
    some = {"filters": [GOLD, where("seats", "lt", "4")]}

    assert seats(ask(crowd, COMPANIES, some)) == [3, 1]
    assert seats(ask(crowd, COMPANIES, some | {"filters_op": "or"})) == [5, 3, 2, 1, 0]
    assert ask(crowd, COUNT, some).json() == {"count": 2}
    assert ask(crowd, COUNT, some | {"filters_op": "or"}).json() == {"count": 5}


def test_names_are_the_companys_own_and_normalized(crowd: Account) -> None:
    own = {"filters": [where("Address.city", "in-i", "kÖLN")]}
    prefixed = {"filters": [where("company.plan", "eq", "gold")]}

    assert seats(by_post(crowd, COMPANIES, own)) == list(SEATS)[::-1]
    assert seats(by_post(crowd, COMPANIES, prefixed)) == []


def test_a_group_counts_as_one_filter(crowd: Account) -> None:
    group = {"kind": "group", "filters_op": "or", "filters": [GOLD, where("seats", "eq", 4)]}
    sent = {"filters": [group, where("seats", "gt", 2)]}

    assert seats(by_post(crowd, COMPANIES, sent)) == [5, 4, 3]


def test_pages_of_what_is_filtered_follow_their_cursor(crowd: Account) -> None:
    sent: dict[str, Any] = {"filters": [where("plan", "ne", "gold")], "limit": 2}

    first = by_post(crowd, COMPANIES, sent)
    rest = by_post(crowd, COMPANIES, sent | {"before": first.json()["cursor"]["before"]})

    assert (seats(first), seats(rest)) == ([4, 2], [0])
    assert rest.json()["cursor"] == {"limit": 2}


@pytest.mark.parametrize("filters", [None, []])
def test_without_filters_all_are_counted(crowd: Account, filters: list[object] | None) -> None:
    sent = {} if filters is None else {"filters": filters}

    assert by_post(crowd, COUNT, sent).json() == {"count": len(SEATS)}
    assert crowd.http.get(COUNT).json() == {"count": len(SEATS)}


def test_another_accounts_companies_are_neither_found_nor_counted(
    crowd: Account, stranger: Account
) -> None:
    push(stranger, uid=marked("company"), plan=(plan := marked("plan")), seats=1)
    sent = {"filters": [where("plan", "eq", plan)]}

    assert seats(by_post(crowd, COMPANIES, sent)) == []
    assert seats(by_post(stranger, COMPANIES, sent)) == [1]
    assert by_post(crowd, COUNT, sent).json() == {"count": 0}


@ANY_WAY
@pytest.mark.parametrize("path", [COMPANIES, COUNT])
@pytest.mark.parametrize(
    ("filter_", "place"),
    [
        ({"kind": "event", "prop": "signed_in", "op": "ex"}, "filters[0].kind"),
        ({"kind": "property", "prop": "plan", "op": "like", "value": "x"}, "filters[0].op"),
        ({"kind": "property", "prop": "a.b.c.d.e", "op": "ex"}, "filters[0].prop"),
        ({"kind": "property", "prop": "plan", "op": "gt"}, "filters[0].value"),
    ],
)
def test_a_bad_filter_is_422_with_its_place(
    crowd: Account, ask: Ask, path: str, filter_: dict[str, Any], place: str
) -> None:
    assert_error(ask(crowd, path, {"filters": [filter_]}), 422, place)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_count_is_a_read_like_the_others(crowd: Account, method: str) -> None:
    body: dict[str, str] | None = {} if method == "POST" else None
    position = {"X-Min-Log-Position": "x"}
    wrong = {"X-Account-Secret": marked("secret")}

    assert_error(crowd.http.request(method, COUNT, json=body, headers=position), 422, "X-Min-Log")
    assert_error(crowd.http.request(method, COUNT, json=body, headers=position | wrong), 403)
