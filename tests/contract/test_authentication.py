"""Contract §1: the secret names the account."""

import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, is_id
from tests.support.service import (
    BATCH,
    FORGET,
    PROFILE,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
)

EVERY_ROUTE = [
    ("GET", "/"),
    ("POST", "/"),
    ("POST", UPSERT),
    ("POST", BATCH),
    ("GET", f"/v3/observe/hooks/batches/{UNKNOWN_ID}"),
    ("GET", PROFILE),
    ("POST", PROFILE),
    ("GET", f"/v3/analyze/profiles/{UNKNOWN_ID}"),
    ("POST", f"/v3/analyze/profiles/{UNKNOWN_ID}"),
    ("DELETE", "/v3/edit/profiles"),
    ("DELETE", f"/v3/edit/profiles/{UNKNOWN_ID}"),
    ("DELETE", f"/v3/edit/profiles/{UNKNOWN_ID}/forget"),
    ("DELETE", FORGET),
    ("POST", FORGET),
    ("GET", f"/v3/edit/deletions/{UNKNOWN_ID}"),
]


def test_the_secret_may_be_a_header(service: Service, account: Account, uid: str) -> None:
    answer = service.http.post(
        UPSERT, json={"uid": uid}, headers={"X-Account-Secret": account.secret}
    )

    assert answer.status_code == 201
    assert account.has(uid=uid)


def test_the_secret_may_be_a_query_parameter(service: Service, account: Account, uid: str) -> None:
    answer = service.http.post(UPSERT, json={"uid": uid}, params={"account_secret": account.secret})

    assert answer.status_code == 201
    assert account.has(uid=uid)


def test_the_secret_may_be_a_parameter_of_the_body(
    service: Service, account: Account, uid: str
) -> None:
    answer = service.http.post(UPSERT, json={"account_secret": account.secret, "uid": uid})

    assert answer.status_code == 201
    assert account.has(uid=uid)


def test_the_secret_may_be_a_parameter_of_a_batch(
    service: Service, account: Account, uid: str
) -> None:
    answer = service.http.post(
        BATCH, json={"account_secret": account.secret, "profiles": [{"uid": uid}]}
    )

    account.applied(answer)
    assert account.has(uid=uid)


def test_the_secret_may_follow_the_profiles_in_a_batch(
    service: Service, account: Account, uid: str
) -> None:
    answer = service.http.post(
        BATCH, json={"profiles": [{"uid": uid}], "account_secret": account.secret}
    )

    account.applied(answer)
    assert account.has(uid=uid)


def test_the_secret_may_be_a_path_segment_of_the_hook(
    service: Service, account: Account, uid: str
) -> None:
    answer = service.http.post(f"/v3/observe/hooks/{account.secret}/profiles", json={"uid": uid})

    assert answer.status_code == 201
    assert account.has(uid=uid)


def test_the_secret_may_be_a_path_segment_of_the_batch_hook(
    service: Service, account: Account, uid: str
) -> None:
    answer = service.http.post(
        f"/v3/observe/hooks/{account.secret}/profiles/batch", json={"profiles": [{"uid": uid}]}
    )

    account.applied(answer)
    assert account.has(uid=uid)


def test_the_secret_may_be_a_query_parameter_of_a_read(
    service: Service, account: Account, uid: str
) -> None:
    account.known(uid=uid)

    answer = service.http.get(PROFILE, params={"uid": uid, "account_secret": account.secret})

    assert answer.json()["profile"]["uid"] == uid


def test_the_secret_may_be_a_parameter_of_the_body_of_a_read(
    service: Service, account: Account, uid: str
) -> None:
    account.known(uid=uid)

    answer = service.http.post(PROFILE, json={"uid": uid, "account_secret": account.secret})

    assert answer.json()["profile"]["uid"] == uid


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v3/analyze/profiles/{id}/export"),
        ("GET", "/v3/edit/segments"),
        ("DELETE", "/v3/edit/profiles/{id}"),
        ("DELETE", "/v3/edit/profiles/{id}/forget"),
    ],
)
def test_the_secret_may_be_in_the_body_whatever_the_method(
    service: Service, account: Account, uid: str, method: str, path: str
) -> None:
    path = path.format(id=account.known(uid=uid))

    assert service.http.request(method, path, json={"account_secret": "wrong"}).status_code == 403
    assert service.http.request(method, path, json={"account_secret": account.secret}).is_success


def test_the_secret_in_the_body_is_no_property(
    service: Service, account: Account, uid: str
) -> None:
    service.http.post(UPSERT, json={"account_secret": account.secret, "uid": uid})

    assert "account_secret" not in account.profile(uid=uid)
    assert account.secret not in account.read(uid=uid).text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_good_secret_is_told_its_account_and_user(account: Account, method: str) -> None:
    answer = account.http.request(method, "/")

    assert answer.status_code == 200
    user = answer.json()["user"]["id"]
    assert answer.json() == {"account": {"id": account.id}, "user": {"id": user}}
    assert is_id(user)


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_a_missing_secret_is_403_and_never_401(service: Service, method: str, path: str) -> None:
    answer = service.http.request(method, path)

    assert_error(answer, 403)
    assert answer.json()["messages"][0].startswith("Unauthorized: ")
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_a_wrong_secret_is_403_and_never_401(service: Service, method: str, path: str) -> None:
    answer = service.http.request(method, path, headers={"X-Account-Secret": marked("secret")})

    assert_error(answer, 403)
    assert answer.json()["messages"][0].startswith("Unauthorized: ")
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("path", ["profiles", "profiles/batch"])
def test_a_wrong_secret_in_the_path_is_403(service: Service, path: str) -> None:
    answer = service.http.post(
        f"/v3/observe/hooks/{marked('secret')}/{path}", json={"uid": marked(), "profiles": []}
    )

    assert_error(answer, 403, "Unauthorized: ")


def test_a_wrong_secret_in_the_query_is_403(service: Service, uid: str) -> None:
    answer = service.http.get(PROFILE, params={"uid": uid, "account_secret": marked("secret")})

    assert_error(answer, 403, "Unauthorized: ")


@pytest.mark.parametrize("secret", [marked("secret"), "", 12, None, True, ["x"], {"x": "y"}])
def test_what_is_no_good_secret_in_the_body_is_403(
    service: Service, uid: str, secret: object
) -> None:
    answer = service.http.post(UPSERT, json={"uid": uid, "account_secret": secret})

    assert_error(answer, 403, "Unauthorized: ")


@pytest.mark.parametrize(
    "secret", [b"", "sécret-\u20ac".encode(), b"\xff\xfe", b"x" * 4000], ids=repr
)
def test_what_is_no_good_secret_in_the_header_is_403(service: Service, secret: bytes) -> None:
    answer = service.http.get("/", headers=[(b"X-Account-Secret", secret)])

    assert_error(answer, 403, "Unauthorized: ")


def test_a_secret_that_begins_like_a_good_one_is_403(service: Service, account: Account) -> None:
    for secret in (account.secret[:-1], account.secret + "x", account.secret.swapcase()):
        answer = service.http.get("/", headers={"X-Account-Secret": secret})

        assert_error(answer, 403, "Unauthorized: ")


def test_the_account_id_is_no_secret(service: Service, account: Account) -> None:
    answer = service.http.get("/", headers={"X-Account-Secret": account.id})

    assert_error(answer, 403, "Unauthorized: ")


@pytest.mark.usefixtures("undisturbed")
def test_a_secret_in_the_wrong_place_is_403(service: Service, account: Account, uid: str) -> None:
    secret = account.secret
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"X-Api-Key": secret},
        {"Cookie": f"account_secret={secret}"},
        {"account_secret": secret},
    ):
        assert_error(service.http.post(UPSERT, json={"uid": uid}, headers=headers), 403)
    assert_error(service.http.post(UPSERT, json={"uid": uid}, params={"secret": secret}), 403)
    assert_error(service.http.post(UPSERT, json={"uid": uid, "secret": secret}), 403)
    assert_error(service.http.post(UPSERT, json={"uid": uid, "p": {"account_secret": secret}}), 403)
    assert_error(service.http.post(BATCH, json=[{"uid": uid, "account_secret": secret}]), 403)
    assert_error(
        service.http.post(BATCH, json={"profiles": [{"uid": uid, "account_secret": secret}]}), 403
    )
    assert not account.has(uid=uid)


def test_the_path_form_is_for_the_hooks_only(service: Service, account: Account, uid: str) -> None:
    account.known(uid=uid)

    for path in (f"/v3/analyze/{account.secret}/profile", f"/v3/edit/{account.secret}/profiles"):
        answer = service.http.get(path, params={"uid": uid})

        assert answer.status_code in {403, 404}
        assert_error(answer, answer.status_code)


def test_a_wrong_secret_is_refused_before_the_body_is_looked_at(service: Service) -> None:
    answer = service.http.post(
        UPSERT, content=b"no JSON", headers={"X-Account-Secret": marked("secret")}
    )

    assert_error(answer, 403, "Unauthorized: ")


def test_an_account_may_have_several_secrets_and_a_revoked_one_is_403(service: Service) -> None:
    rotating = service.create_account("Rotating")
    (first,) = (
        account["secrets"][0]["id"]
        for account in service.run("accounts", "list")["accounts"]
        if account["id"] == rotating.id
    )
    second = service.account(
        rotating.id, service.run("secrets", "add", rotating.id)["secret"]["text"]
    )
    eventually(lambda: second.http.get("/").status_code == 200)
    assert second.http.get("/").json()["account"] == rotating.http.get("/").json()["account"]

    service.run("secrets", "revoke", rotating.id, first)

    eventually(lambda: rotating.http.get("/").status_code == 403)
    assert_error(rotating.http.get("/"), 403, "Unauthorized: ")
    assert_error(rotating.upsert(uid=marked("uid")), 403, "Unauthorized: ")
    assert second.upsert(uid=marked("uid")).status_code == 201
