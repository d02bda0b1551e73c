"""Two profiles never hold one email: the last claim wins (contract §3)."""

import pytest

from tests.contract.expectations import (
    NO_IDENTIFIER,
    assert_error,
)
from tests.support.service import (
    Account,
    marked,
    marked_email,
)


def test_the_last_claim_of_an_email_wins(account: Account, uid: str, email: str) -> None:
    first = account.known(uid=marked("uid"), email=email, plan="gold")

    second = account.known(uid=uid, email=email.upper())

    assert account.profile(id=second)["email"] == email.upper()
    assert account.profile(email=email)["id"] == second
    before = account.profile(id=first)
    assert before["email"] is None
    assert before["plan"] == "gold"


def test_an_email_goes_back_and_forth(account: Account, email: str) -> None:
    one, other = account.known(uid=marked("uid")), account.known(uid=marked("uid"))

    for holder, loser in [(one, other), (other, one)] * 5:
        account.known(id=holder, email=email)

        assert account.profile(email=email)["id"] == holder
        assert account.profile(id=holder)["email"] == email
        assert account.profile(id=loser).get("email") is None


def test_an_email_that_was_given_up_finds_nobody(account: Account, uid: str, email: str) -> None:
    account.known(uid=uid, email=email)

    account.known(uid=uid, email=marked_email())

    assert not account.has(email=email)
    assert_error(account.upsert(email=email), 404)


def test_an_email_of_null_is_given_up_and_stored_as_null(
    account: Account, uid: str, email: str
) -> None:
    account.known(uid=uid, email=email)

    account.known(uid=uid, email=None)

    assert account.profile(uid=uid)["email"] is None
    assert not account.has(email=email)


def test_an_email_that_is_unset_is_given_up_and_gone(
    account: Account, uid: str, email: str
) -> None:
    account.known(uid=uid, email=email)

    account.known(uid=uid, email="$unset")

    assert "email" not in account.profile(uid=uid)
    assert not account.has(email=email)


@pytest.mark.parametrize("blank", ["", "  ", "\u200b"])
def test_a_blank_email_is_null(account: Account, uid: str, email: str, blank: str) -> None:
    account.known(uid=uid, email=email)

    account.known(uid=uid, email=blank, plan="gold")

    assert account.profile(uid=uid)["email"] is None
    assert account.profile(uid=uid)["plan"] == "gold"
    assert not account.has(email=email)
    assert_error(account.upsert(email=blank), 422, NO_IDENTIFIER)
