"""Contract §7: clear a profile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error
from tests.support.service import Account, marked, marked_number

RESET: dict[str, Any] = {
    "browser_x": 1440,
    "browser_tz": 2,
    "browser_l": "en",
    "browser_n": "firefox",
    "browser_k": "desktop",
    "last_seen_at": "2029-04-07T12:18:00.000Z",
    "last_seen_session_count": 7,
    "delivery_ids": [UNKNOWN_ID],
}


def test_a_clear_resets_what_was_seen_and_keeps_the_rest(
    account: Account, uid: str, email: str
) -> None:
    account.known(uid=uid, email=email, company_uid=marked("company"), plan="gold", **RESET)
    before = account.profile(uid=uid)

    answer = account.clear(uid=uid)

    assert answer.status_code == 200
    after = answer.json()["profile"]
    assert {name: after[name] for name in RESET} == dict.fromkeys(RESET)
    new = {"percent", "updated_at", "last_cleared_at"}
    assert {name: after[name] for name in after.keys() - RESET.keys() - new} == {
        name: before[name] for name in before.keys() - RESET.keys() - new
    }


def test_a_clear_answers_the_whole_profile_as_a_read_does(account: Account, uid: str) -> None:
    account.known(uid=uid, company_uid=marked("company"), plan="gold", **RESET)

    answer = account.clear(uid=uid)

    assert list(answer.json()) == ["profile"]
    assert answer.content == account.read(uid=uid).content


def test_a_profile_may_be_cleared_by_its_id_in_the_path(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, browser_x=1440)

    answer = account.http.delete(f"/v3/edit/profiles/{id_}")

    assert answer.status_code == 200
    assert account.profile(id=id_)["browser_x"] is None


def test_a_profile_may_be_cleared_by_a_uid_that_is_a_number(account: Account) -> None:
    number = marked_number()
    account.known(uid=number, browser_x=1440)

    assert account.clear(uid=number).json()["profile"]["browser_x"] is None


def test_a_clear_assigns_a_new_percent_that_is_stable_again(account: Account, uid: str) -> None:
    account.known(uid=uid)
    before = account.profile(uid=uid)["percent"]

    drawn = [before, *(account.clear(uid=uid).json()["profile"]["percent"] for _ in range(3))]

    assert len(set(drawn)) == 4
    account.known(uid=uid, plan="gold")
    assert account.profile(uid=uid)["percent"] == drawn[-1]


def test_a_clear_sets_last_cleared_at_to_now(account: Account, uid: str) -> None:
    account.known(uid=uid)
    assert "last_cleared_at" not in account.profile(uid=uid)

    cleared = account.clear(uid=uid).json()["profile"]

    age = datetime.now(UTC) - datetime.fromisoformat(cleared["last_cleared_at"])
    assert abs(age) < timedelta(seconds=10)
    assert cleared["updated_at"] == cleared["last_cleared_at"]


def test_what_was_cleared_may_be_seen_again(account: Account, uid: str) -> None:
    account.known(uid=uid, **RESET)
    account.clear(uid=uid)

    account.known(uid=uid, browser_x=800)

    profile = account.profile(uid=uid)
    assert profile["browser_x"] == 800
    assert profile["browser_n"] is None
    assert "last_cleared_at" in profile


def test_a_clear_of_nobody_is_404(account: Account) -> None:
    assert_error(account.clear(uid=marked("uid")), 404)
    assert_error(account.http.delete(f"/v3/edit/profiles/{UNKNOWN_ID}"), 404)


def test_a_clear_that_names_nobody_is_422(account: Account) -> None:
    assert_error(account.http.delete("/v3/edit/profiles"), 422, "uid")


@pytest.mark.parametrize("uid", ["", "x" * 769])
def test_a_clear_by_what_is_no_uid_is_422(account: Account, uid: str) -> None:
    assert_error(account.clear(uid=uid), 422, "uid")


def test_a_clear_says_where_it_stands_in_the_log(account: Account, uid: str) -> None:
    written = account.upsert(uid=uid).headers["X-Log-Position"]

    cleared = account.clear(uid=uid).headers["X-Log-Position"]

    assert cleared.split(":")[0] == written.split(":")[0]
    assert int(cleared.split(":")[1]) > int(written.split(":")[1])
