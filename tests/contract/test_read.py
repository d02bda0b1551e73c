"""Contract §5: read one profile."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, is_timestamp
from tests.support.service import PROFILE, Account, marked, marked_email, marked_number

Ask = Callable[[Account, dict[str, Any]], httpx.Response]


def by_get(account: Account, identifiers: dict[str, Any]) -> httpx.Response:
    return account.http.get(PROFILE, params=identifiers)


def by_post(account: Account, identifiers: dict[str, Any]) -> httpx.Response:
    return account.http.post(PROFILE, json=identifiers)


EITHER_WAY = pytest.mark.parametrize("ask", [by_get, by_post])


@EITHER_WAY
def test_a_profile_is_read_by_id_uid_and_email(
    account: Account, uid: str, email: str, ask: Ask
) -> None:
    id_ = account.known(uid=uid, email=email, plan="gold")

    answers = [ask(account, named) for named in ({"id": id_}, {"uid": uid}, {"email": email})]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert list(answers[0].json()) == ["profile"]
    assert answers[0].json()["profile"]["id"] == id_


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_profile_is_read_by_the_id_in_the_path(account: Account, uid: str, method: str) -> None:
    id_ = account.known(uid=uid, plan="gold")

    answer = account.http.request(method, f"/v3/analyze/profiles/{id_}")

    assert answer.status_code == 200
    assert answer.content == account.read(uid=uid).content


@EITHER_WAY
def test_an_integer_uid_is_found_as_a_number_and_as_text(account: Account, ask: Ask) -> None:
    number = marked_number()
    account.known(uid=number)

    for uid in (number, str(number)):
        assert ask(account, {"uid": uid}).json()["profile"]["uid"] == number


@EITHER_WAY
def test_an_email_is_compared_trimmed_and_case_folded(
    account: Account, uid: str, email: str, ask: Ask
) -> None:
    account.known(uid=uid, email=email)

    assert ask(account, {"email": f" {email.upper()} "}).json()["profile"]["uid"] == uid


@EITHER_WAY
def test_a_read_that_names_nobody_is_422(account: Account, ask: Ask) -> None:
    assert_error(ask(account, {}), 422)
    assert_error(ask(account, {"plan": "gold"}), 422)


@EITHER_WAY
@pytest.mark.parametrize("name", ["id", "uid", "email"])
def test_an_unknown_profile_is_404(account: Account, ask: Ask, name: str) -> None:
    assert_error(ask(account, {name: UNKNOWN_ID if name == "id" else marked()}), 404)


@EITHER_WAY
def test_identifiers_that_agree_are_taken(account: Account, uid: str, email: str, ask: Ask) -> None:
    id_ = account.known(uid=uid, email=email)

    for identifiers in (
        {"id": id_, "uid": uid},
        {"id": id_, "email": email},
        {"uid": uid, "email": email.upper()},
        {"id": id_, "uid": uid, "email": email},
    ):
        assert ask(account, identifiers).json()["profile"]["id"] == id_


@EITHER_WAY
def test_several_identifiers_that_are_all_unknown_are_404(account: Account, ask: Ask) -> None:
    assert_error(ask(account, {"uid": marked("uid"), "email": marked_email()}), 404)


@EITHER_WAY
def test_a_known_and_an_unknown_identifier_do_not_agree(
    account: Account, uid: str, ask: Ask
) -> None:
    account.known(uid=uid)

    assert ask(account, {"uid": uid, "email": marked_email()}).status_code in {404, 409}


# --- the fields


def test_a_new_profile_has_what_is_always_there_and_no_more(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)

    profile = account.profile(uid=uid)

    created = profile["created_at"]
    assert is_timestamp(created)
    assert profile == {
        "id": id_,
        "uid": uid,
        "created_at": created,
        "updated_at": created,
        "percent": profile["percent"],
    }


def test_percent_is_between_0_and_100_and_differs_from_user_to_user(account: Account) -> None:
    drawn = [account.profile(id=account.known(uid=marked("uid")))["percent"] for _ in range(20)]

    assert all(0 <= percent <= 100 for percent in drawn)
    assert len(set(drawn)) > 15


def test_percent_is_stable(account: Account, uid: str) -> None:
    account.known(uid=uid)
    drawn = account.profile(uid=uid)["percent"]

    account.known(uid=uid, plan="gold")

    assert account.profile(uid=uid)["percent"] == drawn


def test_browser_fields_are_answered_in_their_types(account: Account, uid: str) -> None:
    fields = {
        "browser_x": 1440,
        "browser_tz": -7.5,
        "browser_l": "en",
        "browser_n": "chrome",
        "browser_k": "desktop",
    }
    account.known(uid=uid, **fields)

    profile = account.profile(uid=uid)
    assert {name: profile[name] for name in fields} == fields


def test_what_was_last_seen_is_answered_in_its_types(account: Account, uid: str) -> None:
    account.known(
        uid=uid,
        last_seen_at="2029-04-07T14:18:00+02:00",
        last_seen_session_count=7,
        delivery_ids=[UNKNOWN_ID],
    )

    profile = account.profile(uid=uid)
    assert profile["last_seen_at"] == "2029-04-07T12:18:00.000Z"
    assert profile["last_seen_session_count"] == 7
    assert profile["delivery_ids"] == [UNKNOWN_ID]


def test_everything_else_is_at_the_top_level_normalized(account: Account, uid: str) -> None:
    account.known(uid=uid, userRole="Admin", address={"zipCode": "90210"})

    profile = account.profile(uid=uid)
    assert profile["user_role"] == "Admin"
    assert profile["address"] == {"zip_code": 90210}


def test_who_is_in_no_company_has_no_company_fields(account: Account, uid: str) -> None:
    account.known(uid=uid)

    assert not {"company", "company_id"} & account.profile(uid=uid).keys()


def test_a_member_has_the_company_in_its_min_form(account: Account, uid: str) -> None:
    account.known(uid=uid, company_uid=(company := marked("company")))

    profile = account.profile(uid=uid)
    assert profile["company"] == {
        "id": profile["company_id"],
        "created_at": profile["company"]["created_at"],
        "uid": company,
    }


# --- expand


def expanded(account: Account, id_: str, kind: str, how: str) -> list[httpx.Response]:
    """The same read by query and by body, by parameter and by path."""
    path = f"/v3/analyze/profiles/{id_}"
    query, body = {f"expand[{kind}]": how}, {"expand": {kind: how}}
    return [
        account.http.get(PROFILE, params={"id": id_, **query}),
        account.http.post(PROFILE, json={"id": id_, **body}),
        account.http.get(path, params=query),
        account.http.post(path, json=body),
    ]


def test_a_min_profile_has_four_fields(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, plan="gold", company_uid=marked("company"))
    whole = account.profile(id=id_)

    for answer in expanded(account, id_, "profile", "min"):
        assert answer.json() == {
            "profile": {name: whole[name] for name in ("id", "created_at", "updated_at", "uid")}
        }


def test_all_of_a_profile_is_the_default(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, plan="gold", company_uid=marked("company"))

    for answer in expanded(account, id_, "profile", "all"):
        assert answer.content == account.read(id=id_).content


def test_the_min_company_is_the_default(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, company_uid=marked("company"))

    for answer in expanded(account, id_, "company", "min"):
        assert answer.content == account.read(id=id_).content


def test_a_company_may_be_left_out(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, company_uid=marked("company"))
    whole = account.profile(id=id_)
    del whole["company"]

    for answer in expanded(account, id_, "company", "skip"):
        assert answer.json() == {"profile": whole}


def test_all_of_a_company_holds_its_min_form(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, company_uid=marked("company"))
    whole = account.profile(id=id_)

    for answer in expanded(account, id_, "company", "all"):
        assert whole["company"].items() <= answer.json()["profile"]["company"].items()


@pytest.mark.parametrize("kind", ["profile", "company"])
@pytest.mark.parametrize("how", ["", "ALL", "huge"])
def test_a_bad_expand_is_422_and_named(account: Account, uid: str, kind: str, how: str) -> None:
    id_ = account.known(uid=uid)

    for answer in expanded(account, id_, kind, how):
        assert_error(answer, 422, "expand")


@pytest.mark.parametrize("bad", [5, "all", ["profile"], {"profile": 5}, {"company": ["all"]}])
def test_an_expand_of_a_wrong_type_is_422_and_named(
    account: Account, uid: str, bad: object
) -> None:
    account.known(uid=uid)

    assert_error(account.http.post(PROFILE, json={"uid": uid, "expand": bad}), 422, "expand")


def test_a_read_changes_nothing(account: Account, uid: str) -> None:
    account.known(uid=uid, plan="gold", company_uid=marked("company"))

    assert len({account.read(uid=uid).content for _ in range(5)}) == 1
