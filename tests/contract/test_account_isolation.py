"""An account never sees what is another's: users, emails, ids, batches, deletions, companies (contract §1)."""

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, assert_same_answer
from tests.support.service import (
    BATCH,
    FORGET,
    PROFILE,
    UPSERT,
    Account,
    marked,
    marked_email,
)


def test_the_same_uid_names_two_users_in_two_accounts(
    account: Account, stranger: Account, uid: str
) -> None:
    ours = account.known(uid=uid, plan="gold")
    theirs = stranger.known(uid=uid, plan="free")

    assert ours != theirs
    assert account.profile(uid=uid)["plan"] == "gold"
    assert stranger.profile(uid=uid)["plan"] == "free"


def test_the_same_email_is_held_once_in_each_account(
    account: Account, stranger: Account, email: str
) -> None:
    ours = account.known(uid=marked("uid"), email=email)
    theirs = stranger.known(uid=marked("uid"), email=email)

    assert account.profile(email=email)["id"] == ours
    assert stranger.profile(email=email)["id"] == theirs
    assert account.profile(id=ours)["email"] == email


@pytest.mark.usefixtures("undisturbed")
def test_anothers_profile_id_is_answered_like_an_unknown_one(
    account: Account, stranger: Account
) -> None:
    theirs = stranger.known(uid=marked("uid"), email=marked_email(), plan=marked())
    unknown = theirs[:12] + UNKNOWN_ID[12:]
    before = stranger.read(id=theirs).content

    def answers(id_: str) -> list[httpx.Response]:
        http = account.http
        return [
            http.get(f"/v3/analyze/profiles/{id_}"),
            http.post(f"/v3/analyze/profiles/{id_}"),
            http.get(PROFILE, params={"id": id_}),
            http.post(PROFILE, json={"id": id_}),
            http.post(UPSERT, json={"id": id_, "plan": "gold"}),
            http.delete(f"/v3/edit/profiles/{id_}"),
            http.delete(f"/v3/edit/profiles/{id_}/forget"),
            http.delete(FORGET, params={"id": id_}),
        ]

    for theirs_answer, unknown_answer in zip(answers(theirs), answers(unknown), strict=True):
        assert_error(theirs_answer, 404)
        assert_same_answer(theirs_answer, unknown_answer)
    assert stranger.read(id=theirs).content == before


def test_anothers_profile_id_beside_a_known_uid_is_answered_like_an_unknown_one(
    account: Account, stranger: Account, uid: str
) -> None:
    account.known(uid=uid)
    theirs = stranger.known(uid=marked("uid"))
    unknown = theirs[:12] + UNKNOWN_ID[12:]

    for ask in (account.upsert, account.read, account.forget):
        assert ask(id=theirs, uid=uid).status_code in {404, 409}
        assert_same_answer(ask(id=theirs, uid=uid), ask(id=unknown, uid=uid))
    assert account.has(uid=uid)


@pytest.mark.usefixtures("undisturbed")
def test_anothers_uid_and_email_are_answered_like_unknown_ones(
    account: Account, stranger: Account
) -> None:
    uid, email = marked("uid"), marked_email()
    stranger.known(uid=uid, email=email)
    unknown_uid, unknown_email = marked("uid"), marked_email()

    def answers(uid: str, email: str) -> list[httpx.Response]:
        http = account.http
        return [
            http.get(PROFILE, params={"uid": uid}),
            http.get(PROFILE, params={"email": email}),
            http.post(PROFILE, json={"uid": uid}),
            http.post(PROFILE, json={"email": email}),
            http.post(UPSERT, json={"email": email, "plan": "gold"}),
            http.delete("/v3/edit/profiles", params={"uid": uid}),
            http.delete(FORGET, params={"uid": uid}),
            http.delete(FORGET, params={"email": email}),
        ]

    for theirs, unknown in zip(
        answers(uid, email), answers(unknown_uid, unknown_email), strict=True
    ):
        assert_error(theirs, 404)
        assert_same_answer(theirs, unknown)
    assert stranger.has(uid=uid)


def test_items_that_name_anothers_profile_fail_like_unknown_ones(
    account: Account, stranger: Account
) -> None:
    email = marked_email()
    theirs = stranger.known(uid=marked("uid"), email=email)
    unknown = theirs[:12] + UNKNOWN_ID[12:]

    for their_item, unknown_item in (
        ({"id": theirs}, {"id": unknown}),
        ({"email": email}, {"email": marked_email()}),
    ):
        for path in (BATCH, FORGET):
            answer = account.http.post(path, json={"profiles": [their_item]})
            unknown_answer = account.http.post(path, json={"profiles": [unknown_item]})

            assert answer.json()["errors"][0]["code"] == 404
            assert answer.json()["errors"] == unknown_answer.json()["errors"]
    assert stranger.has(id=theirs)


def test_anothers_batch_is_answered_like_an_unknown_one(
    account: Account, stranger: Account
) -> None:
    theirs = stranger.batch([{"uid": marked("uid")}]).json()["batch"]["id"]

    answer = account.http.get(f"/v3/observe/hooks/batches/{theirs}")

    assert_error(answer, 404)
    unknown = f"/v3/observe/hooks/batches/{theirs[:12] + UNKNOWN_ID[12:]}"
    assert_same_answer(answer, account.http.get(unknown))


def test_anothers_deletion_is_answered_like_an_unknown_one(
    account: Account, stranger: Account
) -> None:
    stranger.known(uid=(uid := marked("uid")))
    theirs = stranger.forget(uid=uid).json()["deletion"]["id"]

    answer = account.http.get(f"/v3/edit/deletions/{theirs}")

    assert_error(answer, 404)
    unknown = f"/v3/edit/deletions/{theirs[:12] + UNKNOWN_ID[12:]}"
    assert_same_answer(answer, account.http.get(unknown))


def test_anothers_company_is_unknown(account: Account, stranger: Account) -> None:
    theirs = stranger.known(uid=marked("uid"), company_uid=marked("company"))
    company = stranger.profile(id=theirs)["company_id"]
    unknown = company[:12] + UNKNOWN_ID[12:]

    answer = account.upsert(uid=marked("uid"), company_id=company)

    assert_error(answer, 422, "company_id")
    assert_same_answer(answer, account.upsert(uid=marked("uid"), company_id=unknown))
