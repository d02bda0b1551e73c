"""Contract §2, and bad input: each gets the contract's error, and nothing else changes."""

import json

import httpx
import pytest

from tests.contract.expectations import (
    UNKNOWN_ID,
    assert_error,
    assert_same_answer,
)
from tests.support.service import (
    BATCH,
    FORGET,
    JSON_TYPE,
    PROFILE,
    UPSERT,
    Account,
    marked,
    marked_email,
)

pytestmark = pytest.mark.usefixtures("undisturbed")


# --- 400: not JSON


@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"uid=5",
        b"{'uid':5}",
        b'{"uid":5',
        b'{"uid":5,}',
        b'{"uid":5,"profiles":[]}{}',
        b'{"uid":"\xff"}',
        b'{"uid":"\\x"}',
        b'{"uid":05}',
        b'\xef\xbb\xbf\x00{"uid":5}',
        b"\x1f\x8b\x08\x00",
    ],
)
def test_a_body_that_is_not_json_is_400(account: Account, path: str, body: bytes) -> None:
    answer = account.http.post(path, content=body, headers=JSON_TYPE)

    assert_error(answer, 400)


@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
def test_an_empty_body_is_refused(account: Account, path: str) -> None:
    answer = account.http.post(path, content=b"", headers=JSON_TYPE)

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_number_that_json_does_not_know_is_400(account: Account, number: bytes) -> None:
    uid = marked("uid")

    answer = account.upsert_raw(b'{"uid":"%b","score":%b}' % (uid.encode(), number))

    assert_error(answer, 400)
    assert not account.has(uid=uid)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_batch_with_a_number_that_json_does_not_know_is_400(
    account: Account, number: bytes
) -> None:
    uid = marked("uid")

    answer = account.batch_raw(
        b'{"profiles":[{"uid":"%b"},{"uid":"%b","score":%b}]}'
        % (uid.encode(), marked("uid").encode(), number)
    )

    assert_error(answer, 400)
    assert not account.has(uid=uid)


def test_a_number_too_large_for_a_float_is_refused(account: Account) -> None:
    uid = marked("uid")

    answer = account.upsert_raw(b'{"uid":"%b","score":1e999}' % uid.encode())

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)
    assert not account.has(uid=uid)


# --- 422: wrong types


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"12", b"null", b"true", b'[{"uid":5}]'])
@pytest.mark.parametrize("path", [UPSERT, BATCH, PROFILE, FORGET])
def test_json_that_is_no_object_is_422(account: Account, path: str, body: bytes) -> None:
    answer = account.http.post(path, content=body, headers=JSON_TYPE)

    assert_error(answer, 422)


@pytest.mark.parametrize("name", ["uid", "email"])
@pytest.mark.parametrize("value", [True, False, 1.5, [], {}, ["x"], {"x": 1}])
@pytest.mark.parametrize("path", [UPSERT, PROFILE])
def test_an_identifier_of_a_wrong_type_is_422_and_named(
    account: Account, path: str, name: str, value: object
) -> None:
    answer = account.http.post(path, json={name: value})

    assert_error(answer, 422, name)


@pytest.mark.parametrize("value", [True, False, 5, 1.5, [], {}, ["x"], {"x": 1}])
@pytest.mark.parametrize("path", [UPSERT, PROFILE])
def test_an_id_of_a_wrong_type_names_nobody(account: Account, path: str, value: object) -> None:
    answer = account.http.post(path, json={"id": value})

    assert answer.status_code in {404, 422}
    assert_error(answer, answer.status_code)


@pytest.mark.parametrize("name", ["company_uid", "company_id"])
@pytest.mark.parametrize("value", [True, 1.5, [], {"x": 1}])
def test_a_company_of_a_wrong_type_is_422_and_named(
    account: Account, name: str, value: object
) -> None:
    uid = marked("uid")

    answer = account.upsert(uid=uid, **{name: value})

    assert_error(answer, 422, name)
    assert not account.has(uid=uid)


# --- 409: identifiers that contradict each other


def test_an_upsert_whose_id_and_uid_are_of_two_profiles_is_409(account: Account) -> None:
    uid, other_uid = marked("uid"), marked("uid")
    id_ = account.known(uid=uid, plan="gold")
    account.known(uid=other_uid, plan="gold")
    before = account.read(id=id_).content, account.read(uid=other_uid).content

    answer = account.upsert(id=id_, uid=other_uid, plan="free")

    assert_error(answer, 409)
    assert (account.read(id=id_).content, account.read(uid=other_uid).content) == before


def test_a_batch_item_whose_id_and_uid_are_of_two_profiles_is_409_alone(
    account: Account,
) -> None:
    uid, other_uid = marked("uid"), marked("uid")
    id_ = account.known(uid=uid)
    account.known(uid=other_uid)

    answer = account.batch([{"id": id_, "uid": other_uid, "plan": "free"}, {"uid": uid, "n": 1}])

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [(409, 0)]
    account.applied(answer)
    assert "plan" not in account.profile(uid=other_uid)
    assert account.profile(uid=uid)["n"] == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_read_whose_identifiers_are_of_two_profiles_is_409(account: Account, method: str) -> None:
    uid, email = marked("uid"), marked_email()
    id_ = account.known(uid=uid, email=email)
    other_uid, other_email = marked("uid"), marked_email()
    account.known(uid=other_uid, email=other_email)

    for identifiers in (
        {"id": id_, "uid": other_uid},
        {"id": id_, "email": other_email},
        {"uid": uid, "email": other_email},
        {"id": id_, "uid": uid, "email": other_email},
    ):
        if method == "GET":
            answer = account.http.get(PROFILE, params=identifiers)
        else:
            answer = account.http.post(PROFILE, json=identifiers)

        assert_error(answer, 409)


def test_a_forget_whose_identifiers_are_of_two_profiles_is_409_and_forgets_nobody(
    account: Account,
) -> None:
    uid, other_email = marked("uid"), marked_email()
    id_ = account.known(uid=uid)
    account.known(uid=marked("uid"), email=other_email)

    assert_error(account.forget(uid=uid, email=other_email), 409)
    assert_error(account.forget(id=id_, email=other_email), 409)

    assert account.has(id=id_)
    assert account.has(email=other_email)


# --- 404: no such route, no such thing


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/v3", "/v3/analyze", "/v3/observe/hooks/profiles/a/b/c", "/v4/profiles"]
)
def test_an_unknown_route_is_404(account: Account, method: str, path: str) -> None:
    assert_error(account.http.request(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", UPSERT),
        ("DELETE", UPSERT),
        ("GET", BATCH),
        ("DELETE", PROFILE),
        ("PATCH", f"/v3/analyze/profiles/{UNKNOWN_ID}"),
        ("PUT", "/v3/edit/profiles"),
        ("POST", f"/v3/edit/deletions/{UNKNOWN_ID}"),
        ("DELETE", "/"),
        ("POST", "/health"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_404_or_405(
    account: Account, method: str, path: str
) -> None:
    answer = account.http.request(method, path)

    assert answer.status_code in {404, 405}
    assert_error(answer, answer.status_code)


@pytest.mark.parametrize(
    "id_", [UNKNOWN_ID, "x", "0", UNKNOWN_ID.upper(), UNKNOWN_ID + "0", "%00", "..%2f..", "é" * 24]
)
def test_an_id_that_names_nothing_is_404(account: Account, id_: str) -> None:
    http = account.http
    for answer in (
        http.get(f"/v3/analyze/profiles/{id_}"),
        http.post(f"/v3/analyze/profiles/{id_}"),
        http.delete(f"/v3/edit/profiles/{id_}"),
        http.delete(f"/v3/edit/profiles/{id_}/forget"),
        http.get(f"/v3/edit/deletions/{id_}"),
        http.get(f"/v3/observe/hooks/batches/{id_}"),
    ):
        assert_error(answer, 404)


@pytest.mark.parametrize("id_", ["x", UNKNOWN_ID.upper(), UNKNOWN_ID + "0", "é" * 24])
def test_an_id_of_another_form_is_answered_like_an_unknown_one(account: Account, id_: str) -> None:
    for ask in (account.upsert, account.read, account.forget):
        assert_same_answer(ask(id=id_), ask(id=UNKNOWN_ID))


# --- what an error never does


def test_an_error_does_not_repeat_what_was_sent(account: Account) -> None:
    value = marked()
    answers: list[httpx.Response] = [
        account.upsert(uid=[value]),
        account.upsert(id=value),
        account.upsert(email=value),
        account.upsert(uid=value, company_id={"x": value}),
        account.upsert(uid=value * 100),
        account.read(uid=value),
        account.read(email=value),
        account.clear(uid=value),
        account.forget(uid=value),
        account.batch([], on_model_missing=value),
        account.batch([{"email": value}, [value], {"uid": [value]}]),
        account.upsert_raw(json.dumps({"uid": value, "name": f"{value}\0"}).encode()),
    ]

    for answer in answers:
        assert value not in answer.text
