"""The ways to ask for a search or a count."""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest

from tests.support.service import Account

SEARCH = "/v3/analyze/profiles"
COUNT = f"{SEARCH}/count"

Ask = Callable[[Account, str, dict[str, Any]], httpx.Response]


def by_json_in_query(account: Account, path: str, parameters: dict[str, Any]) -> httpx.Response:
    query = {name: value for name, value in parameters.items() if name != "expand"}
    if "filters" in query:
        query["filters"] = json.dumps(query["filters"])
    expand = {f"expand[{of}]": form for of, form in parameters.get("expand", {}).items()}
    return account.http.get(path, params={**query, **expand})


def by_brackets(account: Account, path: str, parameters: dict[str, Any]) -> httpx.Response:
    return account.http.get(path, params=dict(_bracketed("", parameters)))


def _bracketed(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    inner: dict[Any, Any]
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value)
    elif isinstance(value, list):
        inner = dict(enumerate(cast("list[Any]", value)))
    else:
        yield place, value
        return
    for name, below in inner.items():
        yield from _bracketed(f"{place}[{name}]" if place else str(name), below)


def by_post(account: Account, path: str, parameters: dict[str, Any]) -> httpx.Response:
    return account.http.post(path, json=parameters)


ANY_WAY = pytest.mark.parametrize("ask", [by_json_in_query, by_brackets, by_post])


def where(prop: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"kind": "property", "prop": prop, "op": op, "value": value}


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [profile["id"] for profile in answer.json()["profiles"]]


def search(account: Account, *filters: dict[str, Any], **more: Any) -> httpx.Response:
    return by_post(account, SEARCH, {"filters": list(filters), **more})


def count(account: Account, *filters: dict[str, Any], **more: Any) -> int:
    answer = by_post(account, COUNT, {"filters": list(filters), **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]
