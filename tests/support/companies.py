"""Companies as the tests push, read and compare them."""

from typing import Any

import httpx

from tests.support.service import Account

HOOK = "/v3/observe/hooks/companies"

COMPANIES = "/v3/analyze/companies"


def push(account: Account, **parameters: object) -> httpx.Response:
    return account.http.post(HOOK, json=parameters)


def made(account: Account, **parameters: object) -> str:
    answer = push(account, **parameters)
    assert answer.is_success, answer.text
    return answer.json()["company"]["id"]


def read(account: Account, **named: str | int) -> httpx.Response:
    return account.http.get("/v3/analyze/company", params=named)


def shown(account: Account, **named: str | int) -> dict[str, Any]:
    answer = read(account, **named)
    assert answer.status_code == 200, answer.text
    return answer.json()["company"]
