"""The list of companies: its order, pages, bounds and fields (contract §10)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.expectations import (
    UNKNOWN_ID,
    assert_error,
)
from tests.support.companies import COMPANIES, made, shown
from tests.support.service import Account, Service, marked

pytestmark = pytest.mark.usefixtures("undisturbed")


@pytest.fixture(scope="module")
def crowd(service: Service) -> tuple[Account, list[str]]:
    """An account of its own and its companies' ids, the oldest first."""
    account = service.create_account("Crowd")
    return account, [made(account, uid=f"{marked('company')}", n=n) for n in range(7)]


Ask = Callable[[Account, dict[str, Any]], httpx.Response]


def by_get(account: Account, parameters: dict[str, Any]) -> httpx.Response:
    return account.http.get(COMPANIES, params=parameters)


def by_post(account: Account, parameters: dict[str, Any]) -> httpx.Response:
    return account.http.post(COMPANIES, json=parameters)


EITHER_WAY = pytest.mark.parametrize("ask", [by_get, by_post])


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [company["id"] for company in answer.json()["companies"]]


@EITHER_WAY
def test_a_list_shows_whole_companies_the_newest_first(
    crowd: tuple[Account, list[str]], ask: Ask
) -> None:
    account, companies = crowd

    answer = ask(account, {})

    assert ids(answer) == companies[::-1]
    assert answer.json()["cursor"] == {"limit": 50}
    assert answer.json()["companies"][0] == shown(account, id=companies[-1])


@EITHER_WAY
def test_pages_follow_their_cursor_to_the_end(crowd: tuple[Account, list[str]], ask: Ask) -> None:
    account, companies = crowd
    found: list[str] = []
    parameters: dict[str, Any] = {"limit": 3}

    for _ in range(3):
        answer = ask(account, parameters)
        found += ids(answer)
        parameters["before"] = answer.json()["cursor"].get("before")

    assert found == companies[::-1]
    assert parameters["before"] is None


@EITHER_WAY
def test_a_list_is_bounded_by_ids_and_timestamps(
    crowd: tuple[Account, list[str]], ask: Ask
) -> None:
    account, companies = crowd
    moment = shown(account, id=companies[3])["created_at"]

    assert ids(ask(account, {"before": companies[2]})) == companies[:2][::-1]
    assert ids(ask(account, {"after": companies[4]})) == companies[5:][::-1]
    assert companies[3] not in ids(ask(account, {"before": moment}))
    assert companies[3] not in ids(ask(account, {"after": moment}))


@EITHER_WAY
@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 501},
        {"limit": "many"},
        {"before": "x"},
        {"after": UNKNOWN_ID},
    ],
)
def test_a_list_that_cannot_be_is_422(
    account: Account, ask: Ask, parameters: dict[str, Any]
) -> None:
    assert_error(ask(account, parameters), 422, next(iter(parameters)))


def test_a_cursor_of_another_account_is_422(
    crowd: tuple[Account, list[str]], stranger: Account
) -> None:
    cursor = by_get(crowd[0], {"limit": 1}).json()["cursor"]["before"]

    assert_error(by_get(stranger, {"before": cursor}), 422, "before")


def test_a_list_may_show_less_of_each(crowd: tuple[Account, list[str]]) -> None:
    account, companies = crowd

    answer = by_get(account, {"expand[company]": "skip"})

    assert answer.json()["companies"] == [{"id": id_} for id_ in companies[::-1]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v3/analyze/company?uid=acme"),
        ("GET", f"{COMPANIES}/{UNKNOWN_ID}"),
        ("GET", COMPANIES),
        ("POST", COMPANIES),
    ],
)
def test_each_read_looks_at_the_position_that_it_is_to_wait_for(
    account: Account, method: str, path: str
) -> None:
    body: dict[str, str] | None = {} if method == "POST" else None
    position = {"X-Min-Log-Position": "x"}
    wrong = {"X-Account-Secret": marked("secret")}

    answer = account.http.request(method, path, json=body, headers=position)
    told_to_nobody = account.http.request(method, path, json=body, headers=position | wrong)

    assert_error(answer, 422, "X-Min-Log-Position")
    assert_error(told_to_nobody, 403)
