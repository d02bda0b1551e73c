"""Which company a user is a member of (contract §3, §10)."""

import pytest

from tests.contract.expectations import (
    UNKNOWN_ID,
    assert_error,
    is_id,
    is_timestamp,
)
from tests.support.service import (
    Account,
    marked,
    marked_number,
)


def test_a_company_uid_not_seen_before_creates_the_company(account: Account, uid: str) -> None:
    company = marked("company")
    account.known(uid=uid, company_uid=company)

    profile = account.profile(uid=uid)
    assert is_id(profile["company_id"])
    created = profile["company"]["created_at"]
    assert is_timestamp(created)
    assert profile["company"] == {
        "id": profile["company_id"],
        "created_at": created,
        "uid": company,
    }
    assert "company_uid" not in profile


def test_members_of_one_company_share_it(account: Account) -> None:
    company = marked("company")
    first = account.known(uid=marked("uid"), company_uid=company)
    second = account.known(uid=marked("uid"), company_uid=company)

    assert account.profile(id=first)["company"] == account.profile(id=second)["company"]


def test_a_company_id_makes_a_member(account: Account, uid: str) -> None:
    colleague = account.known(uid=marked("uid"), company_uid=marked("company"))
    company = account.profile(id=colleague)["company"]

    account.known(uid=uid, company_id=company["id"])

    assert account.profile(uid=uid)["company"] == company


def test_a_company_id_that_is_not_24_hex_is_a_company_uid(account: Account) -> None:
    company = f"3f6e1d5c-{marked()}"
    by_id = account.known(uid=marked("uid"), company_id=company)
    by_uid = account.known(uid=marked("uid"), company_uid=company)

    assert account.profile(id=by_id)["company"] == account.profile(id=by_uid)["company"]
    assert account.profile(id=by_id)["company"]["uid"] == company


def test_a_company_id_of_24_hex_that_is_unknown_is_422(account: Account, uid: str) -> None:
    assert_error(account.upsert(uid=uid, company_id=UNKNOWN_ID), 422, "company_id")

    assert not account.has(uid=uid)


@pytest.mark.parametrize("name", ["company_id", "company_uid"])
@pytest.mark.parametrize("blank", [None, "", " ", "\u200b"])
def test_null_and_blanks_end_the_membership(
    account: Account, uid: str, name: str, blank: str | None
) -> None:
    account.known(uid=uid, company_uid=marked("company"))

    account.known(uid=uid, **{name: blank})

    profile = account.profile(uid=uid)
    assert "company" not in profile
    assert "company_id" not in profile


@pytest.mark.parametrize("blank", [None, ""])
def test_of_two_names_of_a_company_one_that_is_null_says_nothing(
    account: Account, uid: str, blank: str | None
) -> None:
    company = marked("company")

    account.known(uid=uid, company_id=blank, company_uid=company)
    other = account.known(uid=marked("uid"), company_id=company, company_uid=blank)

    assert account.profile(uid=uid)["company"]["uid"] == company
    assert account.profile(id=other)["company"] == account.profile(uid=uid)["company"]


def test_two_names_of_one_company_are_taken_and_of_two_refused(account: Account, uid: str) -> None:
    name = marked("company")
    account.known(uid=uid, company_uid=name)
    company = account.profile(uid=uid)["company"]

    for both in (
        {"company_id": company["id"], "company_uid": name},
        {"company_id": name, "company_uid": name},
    ):
        member = marked("uid")
        account.known(uid=member, **both)
        account.applied(account.batch([{"uid": member, **both}]))
        assert account.profile(uid=member)["company"] == company

    number = marked_number()
    account.known(uid=uid, company_id=number, company_uid=str(number))
    assert str(account.profile(uid=uid)["company"]["uid"]) == str(number)

    for two in (
        {"company_id": company["id"], "company_uid": marked("company")},
        {"company_id": marked("company"), "company_uid": name},
    ):
        assert_error(account.upsert(uid=uid, **two), 422, "company_id", "company_uid")
        assert account.batch([{"uid": uid, **two}]).json()["errors"][0]["code"] == 422


def test_a_member_may_change_company(account: Account, uid: str) -> None:
    account.known(uid=uid, company_uid=marked("company"))
    company = marked("company")

    account.known(uid=uid, company_uid=company)

    assert account.profile(uid=uid)["company"]["uid"] == company


def test_an_update_that_names_no_company_keeps_it(account: Account, uid: str) -> None:
    account.known(uid=uid, company_uid=marked("company"))
    before = account.profile(uid=uid)["company"]

    account.known(uid=uid, plan="gold")

    assert account.profile(uid=uid)["company"] == before
