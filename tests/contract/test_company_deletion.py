"""Contract §10: a company is deleted, and leaves its profiles."""

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, assert_same_answer, is_id
from tests.support.service import Account, marked, marked_email

HOOK = "/v3/observe/hooks/companies"

pytestmark = pytest.mark.usefixtures("undisturbed")


@pytest.fixture
def company(account: Account) -> str:
    """The uid of a company that is there."""
    uid = marked("company")
    assert account.http.post(HOOK, json={"uid": uid, "name": marked()}).status_code == 201
    return uid


def read(account: Account, uid: str) -> httpx.Response:
    return account.http.get("/v3/analyze/company", params={"uid": uid})


def id_of(account: Account, uid: str) -> str:
    return read(account, uid).json()["company"]["id"]


def delete(account: Account, **query: str) -> httpx.Response:
    return account.http.delete("/v3/edit/company", params=query)


def deleted(account: Account, **query: str) -> str:
    """Delete a company; returns the deletion's id."""
    answer = delete(account, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deletion"]["id"]


def test_a_deleted_company_is_like_one_that_never_was(account: Account, company: str) -> None:
    id_ = id_of(account, company)

    answer = delete(account, uid=company)

    assert answer.status_code == 200
    assert list(answer.json()) == ["deletion"]
    assert is_id(answer.json()["deletion"]["id"])
    assert_same_answer(read(account, company), read(account, marked()))
    path = "/v3/analyze/companies/"
    assert_same_answer(account.http.get(path + id_), account.http.get(path + UNKNOWN_ID))
    listed = account.http.get("/v3/analyze/companies", params={"limit": 500}).json()["companies"]
    assert id_ not in [one["id"] for one in listed]
    assert_error(account.http.post(HOOK, json={"id": id_, "name": "x"}), 404)


def test_a_company_is_deleted_by_the_id_in_the_path(account: Account, company: str) -> None:
    id_ = id_of(account, company)

    assert account.http.delete(f"/v3/edit/companies/{id_}").status_code == 200
    assert read(account, company).status_code == 404
    assert_error(account.http.delete(f"/v3/edit/companies/{id_}"), 404)


def test_what_cannot_be_deleted(account: Account, stranger: Account, company: str) -> None:
    assert_error(delete(account), 422, "uid")
    assert_error(delete(account, uid=marked()), 404)
    assert_error(delete(account, uid=company, cascade="all"), 422, "cascade")
    assert_error(delete(account, uid=company, cascades="profiles"), 422, "cascades", "cascade?")
    theirs = f"/v3/edit/companies/{id_of(account, company)}"
    unknown = f"/v3/edit/companies/{UNKNOWN_ID}"
    assert_same_answer(stranger.http.delete(theirs), stranger.http.delete(unknown))
    assert read(account, company).status_code == 200


def test_a_company_leaves_its_profiles(account: Account, company: str) -> None:
    members = [account.known(uid=marked("uid"), company_uid=company, n=n) for n in range(20)]
    other = account.known(uid=marked("uid"), company_uid=marked("company"))
    before = account.read(id=other).content

    deleted(account, uid=company)

    for n, id_ in enumerate(members):
        profile = account.profile(id=id_)
        assert not {"company", "company_id"} & profile.keys()
        assert profile["n"] == n
    assert account.read(id=other).content == before


def test_its_uid_comes_back_as_another_company_without_its_members(
    account: Account, uid: str, company: str
) -> None:
    old = id_of(account, company)
    account.known(uid=uid, company_uid=company)
    deleted(account, uid=company)

    new = account.known(uid=marked("uid"), company_uid=company)

    shown = account.profile(id=new)["company"]
    assert shown["id"] == id_of(account, company) != old
    assert "name" not in read(account, company).json()["company"]
    assert "company_id" not in account.profile(uid=uid)
    assert_error(account.upsert(uid=uid, company_id=old), 422, "company_id")


def test_a_company_may_be_deleted_again_and_again(account: Account, uid: str) -> None:
    company, ids = marked("company"), list[str]()
    for _ in range(4):
        account.known(uid=uid, company_uid=company)
        ids.append(account.profile(uid=uid)["company_id"])
        deleted(account, uid=company)
        assert "company_id" not in account.profile(uid=uid)

    assert len(set(ids)) == 4


def test_with_cascade_its_profiles_are_forgotten(account: Account, company: str) -> None:
    people = [(marked("uid"), marked_email()) for _ in range(8)]
    members = [account.known(uid=uid, email=email, company_uid=company) for uid, email in people]
    left, moved = account.known(uid=marked("uid")), account.known(uid=marked("uid"))
    for id_ in (left, moved):
        account.known(id=id_, company_uid=company)
    account.known(id=left, company_uid=None)
    account.known(id=moved, company_uid=marked("company"))

    answer = delete(account, uid=company, cascade="profiles")

    forgotten = {one["profile"]["id"]: one["id"] for one in answer.json()["deletions"]}
    assert forgotten.keys() == set(members)
    assert {account.receipt(id_)["id"] for id_ in forgotten.values()} == set(forgotten.values())
    for uid, email in people:
        assert not account.has(uid=uid)
        assert not account.has(email=email)
    assert account.has(id=left)
    assert account.has(id=moved)
    again = account.profile(id=account.known(uid=people[0][0]))
    assert not {"email", "company_id"} & again.keys()


def test_a_cascade_over_nobody_forgets_nobody(account: Account, company: str) -> None:
    answer = account.http.delete(
        f"/v3/edit/companies/{id_of(account, company)}", params={"cascade": "profiles"}
    )

    assert answer.json()["deletions"] == []


def test_the_receipt_says_when_the_tombstones_have_left(account: Account, company: str) -> None:
    for n in range(4):
        account.http.post(HOOK, json={"uid": company, "n": n})

    deletion = deleted(account, uid=company)

    receipt = account.tombstoned(deletion)
    assert receipt["id"] == deletion
    assert (receipt["status"], receipt["events"]) == ("tombstoned", 5)
    assert receipt["requested_at"] <= receipt["tombstoned_at"]
    assert receipt["purged_at"] is None


def test_a_receipt_is_of_its_account_alone(
    account: Account, stranger: Account, company: str
) -> None:
    path = "/v3/edit/deletions/"
    deletion = deleted(account, uid=company)

    assert_same_answer(stranger.http.get(path + deletion), stranger.http.get(path + UNKNOWN_ID))
