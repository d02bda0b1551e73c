"""Contract §10: companies are written, read and listed."""

import gzip
import json

import httpx
import pytest

from tests.contract.expectations import (
    BATCH_TOO_LARGE,
    UNKNOWN_ID,
    assert_error,
    assert_same_answer,
    is_id,
    is_timestamp,
)
from tests.support.companies import COMPANIES, HOOK, made, push, read, shown
from tests.support.service import Account, Service, marked, marked_email, marked_number

BATCH = "/v3/observe/hooks/companies/batch"

NO_IDENTIFIER = "No identifier found. Pass your Company ID as the `uid` parameter"

pytestmark = pytest.mark.usefixtures("undisturbed")


def batch(account: Account, companies: object, **more: object) -> httpx.Response:
    return account.http.post(BATCH, json={"companies": companies, **more})


# --- the hook


def test_a_uid_creates_and_then_updates_a_company(account: Account, company: str) -> None:
    first = push(account, uid=company, name="Acme")
    second = push(account, uid=company, seats=3)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert is_id(first.json()["company"]["id"])
    assert shown(account, uid=company)["name"] == "Acme"
    assert shown(account, uid=company)["seats"] == 3


def test_the_secret_may_stand_in_the_path(service: Service, account: Account, company: str) -> None:
    path = f"/v3/observe/hooks/{account.secret}/companies"

    assert service.http.post(path, json={"uid": company}).status_code == 201
    assert service.http.post(f"{path}/batch", json={"companies": []}).status_code == 202


@pytest.mark.parametrize("path", [HOOK, BATCH])
def test_a_wrong_secret_is_403(service: Service, path: str) -> None:
    answer = service.http.post(path, json={"account_secret": marked("secret"), "companies": []})

    assert_error(answer, 403, "Unauthorized")


def test_the_body_may_hold_the_secret(service: Service, account: Account, company: str) -> None:
    sent = {"account_secret": account.secret, "uid": company}

    assert service.http.post(HOOK, json=sent).status_code == 201
    assert "account_secret" not in shown(account, uid=company)
    assert service.http.post(BATCH, json={**sent, "companies": []}).status_code == 202


def test_a_company_is_updated_by_its_id(account: Account, company: str) -> None:
    id_ = made(account, uid=company)

    assert push(account, id=id_, plan="gold").status_code == 200
    assert shown(account, id=id_)["plan"] == "gold"
    assert shown(account, id=id_)["uid"] == company


def test_an_unknown_id_is_404(account: Account, stranger: Account, company: str) -> None:
    theirs = made(stranger, uid=company)

    for id_ in (UNKNOWN_ID, "acme", theirs):
        assert_error(push(account, id=id_, plan="gold"), 404, "No such company")
    assert_error(push(account, id=7), 422, "id")


def test_an_id_and_a_uid_of_two_companies_are_409(account: Account, company: str) -> None:
    id_ = made(account, uid=marked("company"))
    made(account, uid=company)

    assert_error(push(account, id=id_, uid=company), 409)
    assert_error(read(account, id=id_, uid=company), 409)


def test_without_an_identifier_it_is_422_with_the_products_sentence(account: Account) -> None:
    answer = push(account, name=marked())

    assert_error(answer, 422)
    assert answer.json()["messages"] == [NO_IDENTIFIER]


@pytest.mark.parametrize("uid", ["", "x" * 769, True, 1.5, {}, []])
def test_a_uid_is_an_integer_or_a_string_of_768_bytes(account: Account, uid: object) -> None:
    assert_error(push(account, uid=uid), 422, "uid")


def test_a_number_and_its_text_are_one_company(account: Account) -> None:
    number = marked_number()

    assert made(account, uid=number) == made(account, uid=str(number))
    assert shown(account, uid=number)["uid"] == str(number)


def test_properties_are_normalized(account: Account, company: str) -> None:
    made(
        account, uid=company, companyName="Acme", seats="12", created="2029-08-21", tags=["a", None]
    )

    answer = shown(account, uid=company)
    assert answer["company_name"] == "Acme"
    assert answer["seats"] == 12
    assert answer["created"] == "2029-08-21T00:00:00.000Z"
    assert answer["tags"] == ["a"]


def test_null_is_kept_and_unset_removes(account: Account, company: str) -> None:
    made(account, uid=company, plan="gold", name=None, email=marked_email())

    push(account, uid=company, plan="$unset", email="$unset")

    assert shown(account, uid=company)["name"] is None
    assert not {"plan", "email"} & shown(account, uid=company).keys()


def test_what_only_the_service_sets_is_ignored_and_named(account: Account, company: str) -> None:
    answer = push(account, uid=company, created_at="2001-01-01", company_id=UNKNOWN_ID, percent=3)

    assert sorted(answer.json()["ignored"]) == ["company_id", "created_at", "percent"]
    assert shown(account, uid=company).keys() == {"id", "uid", "created_at", "updated_at"}


def test_a_control_character_is_422_that_names_the_place(account: Account, company: str) -> None:
    assert_error(push(account, uid=company, name="\x00"), 422, "name")
    assert read(account, uid=company).status_code == 404


def test_a_body_that_is_not_json_is_400(account: Account) -> None:
    assert_error(account.http.post(HOOK, content=b"{"), 400)
    assert_error(account.http.post(BATCH, content=b'{"companies":[{}'), 400)


def test_a_company_grows_to_a_bound(account: Account, company: str) -> None:
    texts = {f"p{n}": "x" * 768 for n in range(700)}
    made(account, uid=company, **texts)

    answer = push(account, uid=company, **{f"q{name}": text for name, text in texts.items()})

    assert_error(answer, 422, "larger than")
    assert "qp0" not in shown(account, uid=company)


# --- batch


def test_a_batch_creates_and_updates(account: Account) -> None:
    uids = [marked("company") for _ in range(3)]
    made(account, uid=uids[0], plan="free")

    answer = batch(account, [{"uid": uid, "plan": "gold", "n": n} for n, uid in enumerate(uids)])

    assert answer.status_code == 202
    assert list(answer.json()) == ["batch"]
    assert [shown(account, uid=uid)["n"] for uid in uids] == [0, 1, 2]
    status = account.applied(answer)
    assert (status["received"], status["accepted"], status["failed"]) == (3, 3, 0)


def test_items_of_one_company_apply_in_order(account: Account, company: str) -> None:
    batch(account, [{"uid": company, "n": n} for n in range(1500)])

    assert shown(account, uid=company)["n"] == 1499


def test_an_item_without_an_identifier_has_its_place_in_the_sentence(account: Account) -> None:
    good = {"uid": marked("company")}
    items = [good] * 929 + [{"name": "nobody"}] + [7, {"uid": ""}, {"id": UNKNOWN_ID}]

    answer = batch(account, items)

    assert answer.status_code == 202
    first, *rest = answer.json()["errors"]
    assert first == {
        "code": 422,
        "index": 929,
        "message": "No identifier found for the 930th item. Pass your Company ID as the `uid` parameter",
    }
    assert [(error["code"], error["index"]) for error in rest] == [
        (422, 930),
        (422, 931),
        (404, 932),
    ]
    assert ["931st" in rest[0]["message"], "933rd" in rest[2]["message"]] == [True, True]
    status = account.applied(answer)
    assert (status["received"], status["accepted"], status["failed"]) == (933, 929, 4)


def test_what_is_missing_may_be_ignored(account: Account, company: str) -> None:
    known = marked("company")
    made(account, uid=known)

    answer = batch(
        account,
        [{"uid": company}, {"id": UNKNOWN_ID}, {"uid": known, "n": 1}],
        on_model_missing="ignore",
    )

    assert "errors" not in answer.json()
    assert account.applied(answer)["skipped"] == 2
    assert read(account, uid=company).status_code == 404
    assert shown(account, uid=known)["n"] == 1


@pytest.mark.parametrize(
    "body", [{}, {"companies": 1}, {"profiles": []}, {"companies": [], "on_model_missing": "x"}]
)
def test_a_batch_of_another_shape_is_422(account: Account, body: object) -> None:
    assert_error(account.http.post(BATCH, json=body), 422)


def test_a_batch_over_16_mib_is_413_to_the_letter_compressed_too(account: Account) -> None:
    body = b'{"companies":[' + b" " * (16 << 20) + b"]}"

    for content, headers in [(body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})]:
        answer = account.http.post(BATCH, content=content, headers=headers)
        assert (answer.status_code, answer.json()) == (413, BATCH_TOO_LARGE)


def test_a_compressed_batch_is_taken(account: Account, company: str) -> None:
    body = gzip.compress(json.dumps({"companies": [{"uid": company}]}).encode())

    answer = account.http.post(BATCH, content=body, headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 202
    assert shown(account, uid=company)["uid"] == company


# --- reads


def test_a_company_shows_its_ids_its_times_and_what_was_sent(
    account: Account, company: str
) -> None:
    id_ = made(account, uid=company, name="Acme")

    answer = account.http.get(f"{COMPANIES}/{id_}")

    assert_same_answer(answer, read(account, uid=company))
    whole = answer.json()["company"]
    assert whole == {
        "id": id_,
        "uid": company,
        "created_at": whole["created_at"],
        "updated_at": whole["updated_at"],
        "name": "Acme",
    }
    assert is_timestamp(whole["created_at"])
    push(account, uid=company, name="Acme AG")
    later = shown(account, uid=company)
    assert later["created_at"] == whole["created_at"] <= later["updated_at"]


def test_a_read_that_names_none_is_422_and_an_unknown_one_404(account: Account) -> None:
    assert_error(read(account), 422, "uid")
    assert_error(read(account, uid=marked()), 404)
    assert_error(account.http.get(f"{COMPANIES}/{UNKNOWN_ID}"), 404)


def test_a_company_of_another_account_is_like_none(
    account: Account, stranger: Account, company: str
) -> None:
    id_ = made(account, uid=company, name="Acme")

    assert_same_answer(read(stranger, id=id_), read(stranger, id=UNKNOWN_ID))
    assert_same_answer(read(stranger, uid=company), read(stranger, uid=marked()))
    assert made(stranger, uid=company) != id_
    assert "name" not in shown(stranger, uid=company)


@pytest.mark.parametrize(
    ("form", "names"), [("min", {"id", "created_at", "uid"}), ("skip", {"id"})]
)
def test_less_of_a_company_may_be_asked_for(
    account: Account, company: str, form: str, names: set[str]
) -> None:
    made(account, uid=company, name="Acme")
    asked = {"uid": company, "expand[company]": form}

    answer = account.http.get("/v3/analyze/company", params=asked)

    assert answer.json()["company"].keys() == names
    assert_error(read(account, **asked | {"expand[company]": "x"}), 422, "expand")


# --- in the reads of profiles


def test_a_member_has_the_whole_company_when_asked_for(
    account: Account, uid: str, company: str
) -> None:
    id_ = account.known(uid=uid, company_uid=company)
    push(account, uid=company, name="Acme")

    answers = [
        account.read(id=id_, **{"expand[company]": "all"}),
        account.http.post("/v3/analyze/profile", json={"id": id_, "expand": {"company": "all"}}),
    ]

    for answer in answers:
        assert answer.json()["profile"]["company"] == shown(account, uid=company)
        assert answer.json()["profile"]["company"]["name"] == "Acme"


def test_who_joins_by_uid_makes_a_company_that_reads_show(
    account: Account, uid: str, company: str
) -> None:
    account.known(uid=uid, company_uid=company)

    assert account.profile(uid=uid)["company_id"] == shown(account, uid=company)["id"]
    assert push(account, uid=company).status_code == 200


def test_a_company_that_was_pushed_can_be_joined_by_its_id(
    account: Account, uid: str, company: str
) -> None:
    id_ = made(account, uid=company)

    account.known(uid=uid, company_id=id_)

    assert account.profile(uid=uid)["company"]["uid"] == company
