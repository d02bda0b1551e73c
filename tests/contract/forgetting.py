"""Forgetting many users, said once (contract §8)."""

from typing import Any

import httpx

from tests.contract.expectations import is_id
from tests.support.service import Account, marked, marked_email


def people(account: Account, count: int) -> list[dict[str, str]]:
    """Users, each with id, uid and email."""
    named = [{"uid": marked("uid"), "email": marked_email()} for _ in range(count)]
    return [{**user, "id": account.known(**user)} for user in named]


def errors_of(answer: httpx.Response) -> list[tuple[int, int]]:
    """(code, index) of each error, whose form is checked."""
    errors: list[dict[str, Any]] = answer.json().get("errors", [])
    assert all(sorted(error) == ["code", "index", "message"] for error in errors)
    return [(error["code"], error["index"]) for error in errors]


def forgotten_of(answer: httpx.Response) -> list[str]:
    """The id of each profile that was forgotten; the form of the deletions is checked."""
    deletions: list[dict[str, Any]] = answer.json()["deletions"]
    for deletion in deletions:
        assert is_id(deletion["id"])
        assert deletion == {"id": deletion["id"], "profile": {"id": deletion["profile"]["id"]}}
    return [deletion["profile"]["id"] for deletion in deletions]
