"""Contract §3, §5, §10: whom a request means, and what names nobody."""

import pytest

from tests.contract.expectations import NO_IDENTIFIER, UNKNOWN_ID, assert_error
from tests.support.service import (
    BATCH,
    EVENT_BATCH,
    FORGET,
    PROFILE,
    Account,
    marked,
    marked_email,
)

COMPANY = "/v3/observe/hooks/companies"
READ_COMPANY = "/v3/analyze/company"

# --- what many would share


@pytest.mark.parametrize("sent", ["undefined", "NaN", "[object Object]", " null ", " ", ""])
def test_a_uid_that_many_users_would_share_is_422(account: Account, sent: str) -> None:
    assert_error(account.upsert(uid=sent, plan="gold"), 422, "uid", "become one")
    assert_error(account.track(uid=sent, name="a"), 422, "uid", "become one")

    status = account.applied(account.batch([{"uid": sent}, {"uid": marked("uid")}]))
    assert (status["accepted"], status["failed"]) == (1, 1)


# --- identifiers that do not agree


@pytest.mark.parametrize("id_", ["42", 42, UNKNOWN_ID])
@pytest.mark.parametrize("name", ["uid", "email"])
def test_an_id_that_names_nobody_beside_a_name_of_somebody_is_409(
    account: Account, uid: str, email: str, name: str, id_: int | str
) -> None:
    account.known(uid=uid, email=email)
    before = account.read(uid=uid).content
    named: dict[str, int | str] = {"id": id_, name: {"uid": uid, "email": email}[name]}

    assert_error(account.upsert(**named, plan="gold"), 409)
    assert_error(account.track(**named, name="a"), 409)
    assert_error(account.http.post(PROFILE, json=named), 409)
    assert_error(account.read(**named), 409)
    assert_error(account.forget(**named), 409)
    assert_error(account.clear(**named), 409)
    many = account.http.post(FORGET, json={"profiles": [named]}).json()
    assert (many["deletions"], many["errors"][0]["code"]) == ([], 409)
    for path, items in ((BATCH, "profiles"), (EVENT_BATCH, "events")):
        for missing in ("create", "ignore"):
            body = {items: [named | {"name": "a"}], "on_model_missing": missing}
            assert account.http.post(path, json=body).json()["errors"][0]["code"] == 409
    assert account.read(uid=uid).content == before


@pytest.mark.parametrize("id_", ["42", 42, UNKNOWN_ID])
@pytest.mark.parametrize("name", ["uid", "email"])
def test_an_id_that_names_nobody_beside_a_name_of_nobody_is_404(
    account: Account, uid: str, email: str, name: str, id_: int | str
) -> None:
    named: dict[str, int | str] = {"id": id_, name: {"uid": uid, "email": email}[name]}

    assert_error(account.upsert(**named), 404)
    assert_error(account.read(**named), 404)
    assert_error(account.forget(**named), 404)
    assert account.batch([named]).json()["errors"][0]["code"] == 404
    status = account.applied(account.batch([named], on_model_missing="ignore"))
    assert (status["skipped"], status["failed"]) == (1, 0)
    assert not account.has(uid=uid)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v3/analyze/profiles/{id}"),
        ("POST", "/v3/analyze/profiles/{id}"),
        ("GET", "/v3/analyze/profiles/{id}/export"),
        ("DELETE", "/v3/edit/profiles/{id}"),
        ("DELETE", "/v3/edit/profiles/{id}/forget"),
    ],
)
def test_identifiers_beside_the_id_of_a_path_have_to_agree_with_it(
    account: Account, uid: str, email: str, method: str, path: str
) -> None:
    one = account.known(uid=uid, email=email)
    other = account.known(uid=marked("uid"))
    path = path.format(id=one)
    before = account.read(id=one).content

    for named in ({"uid": marked("uid")}, {"email": marked_email()}, {"id": other}, {"id": "42"}):
        assert_error(account.http.request(method, path, params=named), 409)
        assert_error(account.http.request(method, path, json=named), 409)
    assert account.read(id=one).content == before

    assert account.http.request(method, path, params={"uid": uid, "email": email}).is_success


def test_an_id_that_contradicts_an_email_that_an_earlier_item_gave_is_409(
    account: Account, uid: str, email: str
) -> None:
    answer = account.batch([{"uid": uid, "email": email}, {"id": "42", "email": email}])

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(409, 1)]


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_id_says_nothing(account: Account, uid: str, blank: str | None) -> None:
    id_ = account.known(uid=uid)

    assert account.upsert(id=blank, uid=uid, plan="gold").json()["profile"] == {"id": id_}
    assert account.http.post(PROFILE, json={"id": blank, "uid": uid}).json()["profile"]["id"] == id_
    assert_error(account.upsert(id=blank), 422, NO_IDENTIFIER)


# --- companies


@pytest.mark.parametrize("sent", ["undefined", "NaN", "[object Object]", " "])
def test_a_company_uid_that_many_companies_would_share_is_422(
    account: Account, uid: str, sent: str
) -> None:
    assert_error(account.http.post(COMPANY, json={"uid": sent}), 422, "uid", "become one")
    batch = account.http.post(f"{COMPANY}/batch", json={"companies": [{"uid": sent}]})
    assert batch.json()["errors"][0]["code"] == 422
    if sent.strip():
        refused = account.upsert(uid=uid, company_uid=sent)
        assert_error(refused, 422, "company_uid", "become one")
        assert not account.has(uid=uid)


@pytest.mark.parametrize("id_", ["42", 42, UNKNOWN_ID])
def test_an_id_of_no_company_beside_a_uid_of_one_is_409(account: Account, id_: int | str) -> None:
    uid = marked("company")
    named = {"id": id_, "uid": uid}
    assert_error(account.http.post(COMPANY, json=named), 404)
    account.http.post(COMPANY, json={"uid": uid})

    assert_error(account.http.post(COMPANY, json=named), 409)
    assert_error(account.http.get(READ_COMPANY, params={"id": "42", "uid": uid}), 409)
    assert_error(account.http.delete("/v3/edit/company", params={"id": "42", "uid": uid}), 409)
    batch = account.http.post(
        f"{COMPANY}/batch", json={"companies": [named], "on_model_missing": "ignore"}
    )
    assert batch.json()["errors"][0]["code"] == 409
    assert account.http.get(READ_COMPANY, params={"uid": uid}).status_code == 200


def test_a_uid_beside_the_id_of_a_company_in_a_path_has_to_agree_with_it(account: Account) -> None:
    one, other = (
        account.http.post(COMPANY, json={"uid": marked("company")}).json()["company"]["id"]
        for _ in range(2)
    )
    path = f"/v3/analyze/companies/{one}"
    uid = account.http.get(path).json()["company"]["uid"]

    assert account.http.get(path, params={"uid": uid, "id": one}).is_success
    for named in ({"uid": marked("company")}, {"id": other}):
        assert_error(account.http.get(path, params=named), 409)


def test_a_companys_email_is_trimmed_and_null_when_it_is_blank(account: Account) -> None:
    uid = marked("company")

    for sent, kept in ((" a@b.example\u200b", "a@b.example"), (" ", None)):
        account.http.post(COMPANY, json={"uid": uid, "email": sent})
        shown = account.http.get(READ_COMPANY, params={"uid": uid}).json()["company"]
        assert shown["email"] == kept
