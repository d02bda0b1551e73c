"""An item of a batch may name what an earlier item of the same batch makes, and nothing later (contract §4)."""

import pytest

from tests.contract.expectations import (
    UNKNOWN_ID,
)
from tests.support.batch_counts import counts
from tests.support.service import (
    Account,
    marked,
    marked_email,
    marked_number,
)


def test_an_item_may_name_by_email_a_profile_that_an_earlier_item_creates(
    account: Account, uid: str, email: str
) -> None:
    answer = account.batch([{"uid": uid, "email": email}, {"email": email.upper(), "n": 1}])

    assert "errors" not in answer.json()
    assert counts(account.applied(answer)) == (2, 2, 0, 0)
    assert account.profile(uid=uid)["n"] == 1


def test_an_item_may_name_by_email_a_profile_that_an_earlier_item_gives_that_email(
    account: Account, email: str
) -> None:
    uid, old = marked("uid"), marked_email()
    id_ = account.known(uid=uid, email=old)

    answer = account.batch(
        [{"id": id_, "email": email}, {"email": email, "n": 1}, {"email": old, "m": 1}]
    )

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(404, 2)]
    account.applied(answer)
    assert account.profile(uid=uid)["n"] == 1
    assert "m" not in account.profile(uid=uid)


def test_an_item_does_not_find_an_email_that_only_a_later_item_gives(
    account: Account, uid: str, email: str
) -> None:
    answer = account.batch([{"email": email, "n": 1}, {"uid": uid, "email": email}])

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(404, 0)]


def test_an_item_finds_by_email_whom_an_earlier_item_moved_it_to(
    account: Account, uid: str, email: str
) -> None:
    before = account.known(uid=marked("uid"), email=email)

    account.applied(account.batch([{"uid": uid, "email": email}, {"email": email, "n": 1}]))

    assert account.profile(uid=uid)["n"] == 1
    assert "n" not in account.profile(id=before)


def test_an_item_does_not_find_by_email_who_lost_it_to_an_earlier_item(
    account: Account, uid: str, email: str
) -> None:
    before = account.known(uid=marked("uid"), email=email)

    answer = account.batch(
        [
            {"uid": uid, "email": email},
            {"uid": uid, "email": marked_email()},
            {"email": email, "n": 1},
        ]
    )

    account.applied(answer)
    assert "n" not in account.profile(id=before)
    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(404, 2)]


@pytest.mark.parametrize("spelled", [str, int])
def test_an_item_does_not_find_by_email_who_gave_it_up_in_an_earlier_item(
    account: Account, email: str, spelled: type[str | int]
) -> None:
    number = marked_number()

    answer = account.batch(
        [
            {"uid": number, "email": email},
            {"uid": spelled(number), "email": None},
            {"email": email, "n": 1},
        ]
    )

    account.applied(answer)
    assert "n" not in account.profile(uid=number)
    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(404, 2)]


def test_an_item_that_fails_gives_no_email(account: Account, email: str) -> None:
    uid = marked("uid")

    answer = account.batch(
        [
            {"uid": uid, "email": email, "name": "a\0b"},
            {"uid": marked("uid"), "email": email, "company_id": UNKNOWN_ID},
            {"email": email, "n": 1},
        ]
    )

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [
        (422, 0),
        (422, 1),
        (404, 2),
    ]
    assert not account.has(uid=uid)
