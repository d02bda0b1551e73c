"""Contract §8: forget users, and the receipt of it."""

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, is_id, is_timestamp
from tests.contract.forgetting import errors_of, forgotten_of, people
from tests.support.service import (
    FORGET,
    UPSERT,
    Account,
    marked,
    marked_email,
    marked_number,
)


def forget_json(account: Account, profiles: object) -> httpx.Response:
    return account.http.post(FORGET, json={"profiles": profiles})


# --- one


@pytest.mark.parametrize("by", ["path", "id", "uid", "email"])
def test_a_user_is_forgotten_by_any_identifier(
    account: Account, uid: str, email: str, by: str
) -> None:
    id_ = account.known(uid=uid, email=email, plan="gold")

    match by:
        case "path":
            answer = account.http.delete(f"/v3/edit/profiles/{id_}/forget")
        case "id":
            answer = account.forget(id=id_)
        case "uid":
            answer = account.forget(uid=uid)
        case _:
            answer = account.forget(email=email.upper())

    assert answer.status_code == 200
    deletion = answer.json()["deletion"]["id"]
    assert is_id(deletion)
    assert answer.json() == {"profile": {"id": id_}, "deletion": {"id": deletion}}


def test_a_user_may_be_forgotten_by_a_uid_that_is_a_number(account: Account) -> None:
    number = marked_number()
    account.known(uid=number)

    assert account.forget(uid=number).status_code == 200
    assert not account.has(uid=number)


def test_identifiers_that_agree_forget_the_user(account: Account, uid: str, email: str) -> None:
    id_ = account.known(uid=uid, email=email)

    assert account.forget(id=id_, uid=uid, email=email).json()["profile"] == {"id": id_}


def test_no_read_shows_a_user_from_the_answer_on(account: Account, uid: str, email: str) -> None:
    id_ = account.known(uid=uid, email=email)

    account.forget(uid=uid)

    for identifiers in ({"id": id_}, {"uid": uid}, {"email": email}):
        assert_error(account.read(**identifiers), 404)
    assert_error(account.http.get(f"/v3/analyze/profiles/{id_}"), 404)


def test_no_write_reaches_a_forgotten_profile(account: Account, uid: str, email: str) -> None:
    id_ = account.known(uid=uid, email=email)
    account.forget(uid=uid)

    assert_error(account.upsert(id=id_, plan="gold"), 404)
    assert_error(account.upsert(email=email, plan="gold"), 404)
    assert_error(account.clear(uid=uid), 404)
    assert_error(account.http.delete(f"/v3/edit/profiles/{id_}"), 404)
    answer = account.batch([{"id": id_}, {"email": email}])
    assert [error["code"] for error in answer.json()["errors"]] == [404, 404]


def test_forgetting_again_is_404(account: Account, uid: str, email: str) -> None:
    id_ = account.known(uid=uid, email=email)
    account.forget(uid=uid)

    assert_error(account.forget(uid=uid), 404)
    assert_error(account.forget(email=email), 404)
    assert_error(account.forget(id=id_), 404)
    assert_error(account.http.delete(f"/v3/edit/profiles/{id_}/forget"), 404)


def test_a_forget_of_nobody_is_404(account: Account) -> None:
    assert_error(account.forget(uid=marked("uid")), 404)
    assert_error(account.forget(email=marked_email()), 404)
    assert_error(account.forget(id=UNKNOWN_ID), 404)


def test_a_forget_that_names_nobody_is_422(account: Account) -> None:
    assert_error(account.http.delete(FORGET), 422)


def test_a_forget_says_where_it_stands_in_the_log(account: Account, uid: str) -> None:
    written = account.upsert(uid=uid).headers["X-Log-Position"]

    forgotten = account.forget(uid=uid).headers["X-Log-Position"]

    assert forgotten.split(":")[0] == written.split(":")[0]
    assert int(forgotten.split(":")[1]) > int(written.split(":")[1])


# --- who comes back


def test_the_same_uid_makes_a_new_profile_with_no_trace_of_the_old_one(
    account: Account, uid: str, email: str
) -> None:
    old = account.known(uid=uid, email=email, company_uid=marked("company"), plan="gold")
    account.clear(uid=uid)
    account.forget(uid=uid)

    answer = account.upsert(uid=uid)

    assert answer.status_code == 201
    new = answer.json()["profile"]["id"]
    assert new != old
    profile = account.profile(uid=uid)
    assert profile.keys() == {"id", "uid", "created_at", "updated_at", "percent"}
    assert not account.has(id=old)
    assert not account.has(email=email)


def test_a_user_may_be_forgotten_as_often_as_they_come_back(
    account: Account, uid: str, email: str
) -> None:
    ids: list[str] = []
    for _ in range(5):
        ids.append(account.known(uid=uid, email=email))
        account.forget(uid=uid)

    assert len(set(ids)) == 5
    assert not account.has(uid=uid)
    assert not any(account.has(id=id_) for id_ in ids)


def test_the_email_of_a_forgotten_user_is_free(account: Account, uid: str, email: str) -> None:
    account.known(uid=marked("uid"), email=email)
    account.forget(email=email)

    id_ = account.known(uid=uid, email=email)

    assert account.profile(email=email)["id"] == id_


def test_who_took_over_the_email_stays(account: Account, uid: str, email: str) -> None:
    account.known(uid=uid, email=email)
    heir = account.known(uid=marked("uid"), email=email)

    account.forget(uid=uid)

    assert account.profile(email=email)["id"] == heir


def test_a_colleague_stays_in_the_company(account: Account, uid: str) -> None:
    company = marked("company")
    account.known(uid=uid, company_uid=company)
    colleague = account.known(uid=marked("uid"), company_uid=company)
    before = account.read(id=colleague).content

    account.forget(uid=uid)

    assert account.read(id=colleague).content == before


def test_a_batch_may_bring_a_user_back(account: Account, uid: str) -> None:
    old = account.known(uid=uid, plan="gold")
    account.forget(uid=uid)

    account.applied(account.batch([{"uid": uid, "seats": 3}]))

    profile = account.profile(uid=uid)
    assert profile["id"] != old
    assert "plan" not in profile


# --- the receipt


def test_the_receipt_goes_from_accepted_to_tombstoned(account: Account, uid: str) -> None:
    account.known(uid=uid)
    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    assert account.receipt(deletion)["status"] in {"accepted", "tombstoned"}

    assert account.tombstoned(deletion)["status"] == "tombstoned"


def test_the_receipt_has_seven_fields(account: Account, uid: str) -> None:
    account.known(uid=uid)
    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    receipt = account.tombstoned(deletion)

    requested, expected = receipt["requested_at"], receipt["expected_by"]
    tombstoned = receipt["tombstoned_at"]
    assert is_timestamp(requested)
    assert is_timestamp(expected)
    assert is_timestamp(tombstoned)
    assert requested <= tombstoned
    assert requested < expected
    assert receipt == {
        "id": deletion,
        "status": "tombstoned",
        "events": 1,
        "requested_at": requested,
        "expected_by": expected,
        "tombstoned_at": tombstoned,
        "purged_at": None,
    }


def test_an_accepted_receipt_has_no_tombstoned_at(account: Account) -> None:
    """Seen as often as the service is not faster than we are."""
    for _ in range(10):
        uid = marked("uid")
        account.known(uid=uid, email=marked_email())
        receipt = account.receipt(account.forget(uid=uid).json()["deletion"]["id"])

        assert (receipt["status"] == "accepted") == (receipt["tombstoned_at"] is None)
        assert receipt["purged_at"] is None


def test_the_receipt_counts_what_was_erased(account: Account, uid: str) -> None:
    account.known(uid=uid)
    account.known(uid=uid, plan="gold")
    account.known(uid=uid, plan="gold")
    account.applied(account.batch([{"uid": uid, "n": n} for n in range(5)]))
    account.clear(uid=uid)

    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    assert account.tombstoned(deletion)["events"] == 9


def test_a_refused_write_leaves_nothing_to_erase(account: Account, uid: str) -> None:
    account.known(uid=uid)
    account.upsert(uid=uid, company_id=UNKNOWN_ID)
    account.upsert(uid=uid, name="a\0b")

    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    assert account.receipt(deletion)["events"] == 1


def test_the_receipt_counts_only_what_came_since_the_last_forget(
    account: Account, uid: str
) -> None:
    account.known(uid=uid)
    account.known(uid=uid, plan="gold")
    account.forget(uid=uid)
    account.known(uid=uid)

    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    assert account.receipt(deletion)["events"] == 1


def test_the_receipt_holds_no_personal_data(account: Account, uid: str, email: str) -> None:
    value = marked()
    account.known(uid=uid, email=email, plan=value)
    deletion = account.forget(uid=uid).json()["deletion"]["id"]
    account.tombstoned(deletion)

    text = account.http.get(f"/v3/edit/deletions/{deletion}").text

    for personal in (uid, email, value):
        assert personal not in text


@pytest.mark.parametrize("id_", [UNKNOWN_ID, "x"])
def test_an_unknown_deletion_is_404(account: Account, id_: str) -> None:
    assert_error(account.http.get(f"/v3/edit/deletions/{id_}"), 404)


def test_a_profile_id_is_no_deletion(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)
    account.forget(uid=uid)

    assert_error(account.http.get(f"/v3/edit/deletions/{id_}"), 404)


# --- many


def test_many_are_forgotten_by_json(account: Account) -> None:
    one, two, three = people(account, 3)

    answer = forget_json(
        account, [{"uid": one["uid"]}, {"email": two["email"]}, {"id": three["id"]}]
    )

    assert answer.status_code == 202
    assert errors_of(answer) == []
    assert forgotten_of(answer) == [user["id"] for user in (one, two, three)]
    assert not any(account.has(id=user["id"]) for user in (one, two, three))


def test_each_of_many_has_a_receipt(account: Account) -> None:
    answer = forget_json(account, [{"uid": user["uid"]} for user in people(account, 3)])

    deletions = [deletion["id"] for deletion in answer.json()["deletions"]]
    assert len(set(deletions)) == 3
    for deletion in deletions:
        assert account.tombstoned(deletion)["id"] == deletion


def test_those_of_many_who_cannot_be_forgotten_are_errors_by_index(account: Account) -> None:
    one, two = people(account, 2)

    answer = forget_json(
        account,
        [
            {"uid": marked("uid")},
            {"uid": one["uid"]},
            {"plan": "gold"},
            12,
            {"email": marked_email()},
            {"id": UNKNOWN_ID},
            {"uid": ""},
            {"uid": one["uid"], "email": two["email"]},
            {"uid": two["uid"]},
        ],
    )

    assert answer.status_code == 202
    assert forgotten_of(answer) == [one["id"], two["id"]]
    expected = [(404, 0), (422, 2), (422, 3), (404, 4), (404, 5), (422, 6)]
    found = errors_of(answer)
    assert found[:6] == expected
    # Its uid is forgotten by then, so it may be one or the other.
    assert found[6:] in ([(409, 7)], [(404, 7)])


def test_who_is_named_twice_is_forgotten_once(account: Account) -> None:
    (user,) = people(account, 1)

    answer = forget_json(account, [{"uid": user["uid"]}, {"id": user["id"]}])

    assert forgotten_of(answer) == [user["id"]]
    assert errors_of(answer) == [(404, 1)]


@pytest.mark.parametrize("body", [{}, {"profiles": None}, {"profiles": {}}, {"profiles": "x"}])
def test_profiles_that_are_no_array_are_422(account: Account, body: dict[str, object]) -> None:
    assert_error(account.http.post(FORGET, json=body), 422, "profiles")


def test_many_say_where_they_stand_in_the_log(account: Account) -> None:
    answer = forget_json(account, [{"uid": user["uid"]} for user in people(account, 5)])

    places = answer.headers["X-Log-Position"].replace(" ", "").split(",")
    assert all(len(place.split(":")) == 2 for place in places)


def test_the_hook_is_no_way_to_forget(account: Account, uid: str) -> None:
    account.known(uid=uid)

    answer = account.http.post(f"{UPSERT}/forget", json={"uid": uid})

    assert_error(answer, answer.status_code)
    assert answer.status_code in {404, 405}
    assert account.has(uid=uid)
