"""Contract §1: the secret names the account."""

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, assert_same_answer, is_id
from tests.support.service import (
    BATCH,
    FORGET,
    PROFILE,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
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


# --- an account never sees another's data, ids, batches or deletions (promise 6)


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
