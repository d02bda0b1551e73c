"""Contract §8: the list of an account's deletions."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error
from tests.support.service import Account, Service, marked

DELETIONS = "/v3/edit/deletions"


def listed(account: Account, **query: str | int) -> dict[str, Any]:
    answer = account.http.get(DELETIONS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: dict[str, Any]) -> list[str]:
    return [deletion["id"] for deletion in answer["deletions"]]


@pytest.fixture(scope="module")
def forgetful(service: Service) -> Account:
    """An account with deletions in every partition; nobody else forgets anybody there."""
    return service.create_account("Forgetful")


@pytest.fixture(scope="module")
def deletions(forgetful: Account) -> list[str]:
    """The ids of the account's deletions, the newest first."""
    made: list[str] = []
    for _ in range(12):
        uid = marked("uid")
        forgetful.known(uid=uid)
        made.append(forgetful.forget(uid=uid).json()["deletion"]["id"])
    return made[::-1]


def test_an_account_that_forgot_nobody_has_an_empty_list(service: Service) -> None:
    account = service.create_account("Nobody")

    assert listed(account) == {"deletions": [], "cursor": {"limit": 50}}


def test_the_newest_come_first(forgetful: Account, deletions: list[str]) -> None:
    answer = listed(forgetful)

    assert ids(answer) == deletions
    assert answer["cursor"] == {"limit": 50}


def test_the_list_shows_the_receipts(forgetful: Account, deletions: list[str]) -> None:
    forgetful.tombstoned(deletions[0])

    shown = listed(forgetful, limit=1)["deletions"][0]

    receipt = forgetful.receipt(deletions[0])
    assert shown.keys() == receipt.keys()
    assert shown["requested_at"] == receipt["requested_at"]


@pytest.mark.parametrize("limit", [1, 5, 11, 12])
def test_a_cursor_leads_through_the_list(
    forgetful: Account, deletions: list[str], limit: int
) -> None:
    found: list[str] = []
    query: dict[str, str | int] = {"limit": limit}
    while True:
        answer = listed(forgetful, **query)
        assert len(answer["deletions"]) <= limit
        found += ids(answer)
        if "before" not in answer["cursor"]:
            break
        query["before"] = answer["cursor"]["before"]

    assert found == deletions


def test_after_shows_only_what_is_newer(forgetful: Account, deletions: list[str]) -> None:
    assert ids(listed(forgetful, after=deletions[4])) == deletions[:4]
    assert ids(listed(forgetful, after=deletions[8], before=deletions[4])) == deletions[5:8]
    assert ids(listed(forgetful, after=deletions[0])) == []


def test_a_timestamp_bounds_the_list(forgetful: Account, deletions: list[str]) -> None:
    at = [forgetful.receipt(id_)["requested_at"] for id_ in deletions]

    assert ids(listed(forgetful, before=at[5])) == [
        id_ for id_, when in zip(deletions, at, strict=True) if when < at[5]
    ]
    assert ids(listed(forgetful, after=at[5])) == [
        id_ for id_, when in zip(deletions, at, strict=True) if when > at[5]
    ]
    assert ids(listed(forgetful, before="1971-01-01")) == []


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "many", "9" * 5000])
def test_a_limit_outside_1_to_500_is_422(forgetful: Account, limit: str) -> None:
    assert_error(forgetful.http.get(DELETIONS, params={"limit": limit}), 422, "limit")


@pytest.mark.parametrize("name", ["before", "after"])
def test_a_cursor_of_another_account_is_422_as_if_there_were_none(
    forgetful: Account, deletions: list[str], stranger: Account, name: str
) -> None:
    theirs = stranger.http.get(DELETIONS, params={name: deletions[0]})
    nobodys = stranger.http.get(DELETIONS, params={name: UNKNOWN_ID})

    assert_error(theirs, 422, name)
    assert theirs.content == nobodys.content
    assert_error(forgetful.http.get(DELETIONS, params={name: "yesterday"}), 422, name)


def test_another_account_does_not_see_them(stranger: Account, deletions: list[str]) -> None:
    assert not set(ids(listed(stranger))) & set(deletions)


def test_the_list_needs_a_secret(service: Service) -> None:
    assert_error(service.http.get(DELETIONS), 403)


def test_what_is_not_purged_yet_is_told_where_the_service_says_how_it_is(
    nodes: Sequence[Service], account: Account, uid: str
) -> None:
    account.known(uid=uid)
    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    answers = [node.http.get("/ready") for node in nodes]

    assert {answer.status_code for answer in answers} == {200}
    requested = account.receipt(deletion)["requested_at"]
    # Each node tells of the partitions that it owns.
    told = [answer.json()["deletions"] for answer in answers if "deletions" in answer.json()]
    assert any(
        open_["open"] >= 1 and open_["first"] <= requested <= open_["last"] for open_ in told
    )
    assert all(deletion not in answer.text for answer in answers)
