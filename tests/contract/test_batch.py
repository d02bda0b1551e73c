"""Contract §4: many profiles in one request."""

import re
from typing import Any

import pytest

from tests.contract.expectations import (
    UNKNOWN_ID,
    assert_error,
    is_id,
    is_timestamp,
    no_identifier_for,
)
from tests.support.batch_counts import counts
from tests.support.service import (
    BATCH,
    PARTITIONS,
    Account,
    Service,
    marked,
    marked_email,
    marked_number,
)


def test_a_batch_is_answered_with_its_id_and_nothing_else(account: Account, uid: str) -> None:
    answer = account.batch([{"uid": uid, "plan": "gold"}])

    assert answer.status_code == 202
    id_ = answer.json()["batch"]["id"]
    assert is_id(id_)
    assert answer.json() == {"batch": {"id": id_}}


def test_the_path_form_answers_the_same(service: Service, account: Account, uid: str) -> None:
    path = f"/v3/observe/hooks/{account.secret}/profiles/batch"

    answer = service.http.post(path, json={"profiles": [{"uid": uid}, {"plan": "gold"}]})

    assert answer.status_code == 202
    assert answer.json() == {
        "batch": {"id": answer.json()["batch"]["id"]},
        "errors": [{"code": 422, "index": 1, "message": no_identifier_for("2nd")}],
    }
    account.applied(answer)
    assert account.has(uid=uid)


def test_items_create_and_update(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, plan="gold", seats=3)
    new, number = marked("uid"), marked_number()

    account.applied(
        account.batch(
            [{"uid": uid, "plan": "free"}, {"uid": new, "plan": "free"}, {"uid": number, "n": 1}]
        )
    )

    assert account.profile(id=id_)["plan"] == "free"
    assert account.profile(id=id_)["seats"] == 3
    assert account.profile(uid=new)["plan"] == "free"
    assert account.profile(uid=number)["uid"] == number


def test_items_may_be_named_by_id_and_email(account: Account, email: str) -> None:
    by_id = account.known(uid=marked("uid"))
    by_email = account.known(uid=marked("uid"), email=email)

    account.applied(account.batch([{"id": by_id, "n": 1}, {"email": email.upper(), "n": 2}]))

    assert account.profile(id=by_id)["n"] == 1
    assert account.profile(id=by_email)["n"] == 2


def test_items_of_one_user_apply_in_order(account: Account) -> None:
    uid, number, email = marked("uid"), marked_number(), marked_email()
    id_ = account.known(uid=uid, email=email)

    account.applied(
        account.batch(
            [
                {"uid": uid, "a": 1, "b": 1, "c": 1, "d": 1},
                {"uid": number, "a": 1, "b": 1},
                {"id": id_, "b": 2, "c": 2, "d": 2},
                {"uid": str(number), "b": 2},
                {"email": email, "c": 3, "d": 3},
                {"uid": uid, "d": 4},
            ]
        )
    )

    profile = account.profile(uid=uid)
    assert [profile[name] for name in "abcd"] == [1, 2, 3, 4]
    assert [account.profile(uid=number)[name] for name in "ab"] == [1, 2]
    assert account.profile(uid=number)["uid"] == str(number)


def test_an_empty_batch_is_taken(account: Account) -> None:
    status = account.applied(account.batch([]))

    assert counts(status) == (0, 0, 0, 0)


def test_items_follow_the_rules_of_a_single_write(account: Account, uid: str, email: str) -> None:
    account.applied(
        account.batch(
            [
                {
                    "uid": uid,
                    "email": email,
                    "company_uid": (company := marked("company")),
                    "userRole": "12",
                    "percent": 7,
                    "gone": "x",
                },
                {"uid": uid, "gone": "$unset", "nothing": None},
            ]
        )
    )

    profile = account.profile(email=email)
    assert profile["user_role"] == 12
    assert profile["company"]["uid"] == company
    assert profile["nothing"] is None
    assert "gone" not in profile


def test_the_last_claim_of_an_email_in_a_batch_wins(account: Account, email: str) -> None:
    first, second, third = marked("uid"), marked("uid"), marked("uid")
    account.known(uid=first, email=email)

    account.applied(
        account.batch([{"uid": second, "email": email}, {"uid": third, "email": email}])
    )

    holders = [uid for uid in (first, second, third) if account.profile(uid=uid)["email"]]
    assert len(holders) == 1
    assert account.profile(email=email)["uid"] == holders[0]
    assert first not in holders


# --- item errors


@pytest.mark.parametrize(
    ("index", "ordinal"),
    [
        (0, "1st"),
        (1, "2nd"),
        (2, "3rd"),
        (3, "4th"),
        (10, "11th"),
        (11, "12th"),
        (12, "13th"),
        (20, "21st"),
        (21, "22nd"),
        (22, "23rd"),
        (100, "101st"),
        (110, "111th"),
        (111, "112th"),
        (112, "113th"),
        (1000, "1001st"),
        (4429, "4430th"),
    ],
)
def test_an_item_without_an_identifier_fails_in_the_seeds_words(
    account: Account, index: int, ordinal: str
) -> None:
    items: list[dict[str, Any]] = [{"uid": f"{marked('uid')}-{n}"} for n in range(index)]

    answer = account.batch([*items, {"plan": "gold"}])

    assert answer.status_code == 202
    assert answer.json()["errors"] == [
        {"code": 422, "index": index, "message": no_identifier_for(ordinal)}
    ]


def test_good_items_are_taken_whatever_the_others_are(account: Account) -> None:
    before, after = marked("uid"), marked("uid")

    answer = account.batch(
        [
            {"uid": before},
            {"plan": "gold"},
            12,
            "text",
            None,
            ["uid"],
            {"uid": ""},
            {"uid": [1]},
            {"uid": "x" * 769},
            {"uid": marked("uid"), "company_id": UNKNOWN_ID},
            {"uid": marked("uid"), "email": 5},
            {"email": marked_email()},
            {"id": UNKNOWN_ID},
            {"uid": after},
        ]
    )

    assert answer.status_code == 202
    assert all(sorted(error) == ["code", "index", "message"] for error in answer.json()["errors"])
    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [
        *((422, index) for index in range(1, 11)),
        (404, 11),
        (404, 12),
    ]
    assert counts(account.applied(answer)) == (14, 2, 0, 12)
    assert account.has(uid=before)
    assert account.has(uid=after)


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"uid": ""}, "uid"),
        ({"uid": 1.5}, "uid"),
        ({"email": 5}, "email"),
        ({"uid": "x", "company_id": UNKNOWN_ID}, "company_id"),
        ({"uid": "x", "company_uid": [1]}, "company_uid"),
        ({"uid": "x", "User Role": "a\0b"}, "user_role"),
    ],
)
def test_the_message_of_an_item_names_the_field(
    account: Account, item: dict[str, Any], field: str
) -> None:
    (error,) = account.batch([item]).json()["errors"]

    assert error["code"] == 422
    assert field in error["message"]


# --- on_model_missing


@pytest.mark.parametrize("more", [{}, {"on_model_missing": "create"}])
def test_an_unknown_email_or_id_is_404_with_create(
    account: Account, more: dict[str, object]
) -> None:
    answer = account.batch([{"email": marked_email()}, {"id": UNKNOWN_ID}], **more)

    assert [(error["code"], error["index"]) for error in answer.json()["errors"]] == [
        (404, 0),
        (404, 1),
    ]
    assert counts(account.applied(answer)) == (2, 0, 0, 2)


def test_an_unknown_email_or_id_is_skipped_with_ignore(
    account: Account, uid: str, email: str
) -> None:
    account.known(uid=uid, email=email)

    answer = account.batch(
        [
            {"email": marked_email(), "n": 1},
            {"id": UNKNOWN_ID, "n": 1},
            {"uid": uid, "n": 1},
            {"email": email, "m": 2},
        ],
        on_model_missing="ignore",
    )

    assert "errors" not in answer.json()
    assert counts(account.applied(answer)) == (4, 2, 2, 0)
    assert account.profile(uid=uid)["n"] == 1
    assert account.profile(uid=uid)["m"] == 2


def test_an_unknown_uid_is_skipped_with_ignore(account: Account, uid: str) -> None:
    """The contract says it of emails and ids; a uid that is not ignored would be created."""
    answer = account.batch([{"uid": uid}], on_model_missing="ignore")

    assert "errors" not in answer.json()
    assert counts(account.applied(answer)) == (1, 0, 1, 0)
    assert not account.has(uid=uid)


def test_an_item_without_an_identifier_fails_with_ignore_too(account: Account) -> None:
    answer = account.batch([{"plan": "gold"}], on_model_missing="ignore")

    assert answer.json()["errors"] == [
        {"code": 422, "index": 0, "message": no_identifier_for("1st")}
    ]


def test_on_model_missing_may_follow_the_profiles(account: Account) -> None:
    answer = account.batch_raw(
        b'{"profiles":[{"email":"%b"}],"on_model_missing":"ignore"}' % marked_email().encode()
    )

    assert "errors" not in answer.json()


@pytest.mark.parametrize("bad", ["", "update", "Create", None, 1, True, [], ["create"], {}])
def test_a_bad_on_model_missing_is_422_and_nothing_is_taken(
    account: Account, uid: str, bad: object
) -> None:
    answer = account.batch([{"uid": uid}], on_model_missing=bad)

    assert_error(answer, 422, "on_model_missing")
    assert not account.has(uid=uid)


@pytest.mark.parametrize("body", [{}, {"profiles": None}, {"profiles": {}}, {"profiles": "x"}])
def test_profiles_that_are_no_array_are_422(account: Account, body: dict[str, object]) -> None:
    assert_error(account.http.post(BATCH, json=body), 422, "profiles")


# --- the status


def test_the_status_has_four_counts_and_says_when_all_is_applied(
    account: Account, uid: str
) -> None:
    account.known(uid=uid)
    answer = account.batch(
        [{"uid": uid, "n": 1}, {"uid": uid, "n": 2}, {"plan": 1}, {"email": marked_email()}],
        on_model_missing="ignore",
    )
    id_ = answer.json()["batch"]["id"]

    status = account.applied(answer)

    created = status["created_at"]
    assert is_timestamp(created)
    assert account.http.get(f"/v3/observe/hooks/batches/{id_}").json() == {
        "batch": {
            "id": id_,
            "created_at": created,
            "received": 4,
            "accepted": 2,
            "skipped": 1,
            "failed": 1,
            "applied": True,
        }
    }


def test_the_status_is_there_as_soon_as_the_batch_is_answered(account: Account) -> None:
    uid = marked("uid")
    answer = account.batch([{"uid": f"{uid}-{n}"} for n in range(2_000)])

    status = account.http.get(f"/v3/observe/hooks/batches/{answer.json()['batch']['id']}")

    assert status.status_code == 200
    assert counts(status.json()["batch"]) == (2_000, 2_000, 0, 0)


def test_every_read_shows_all_of_a_batch_that_is_applied(account: Account) -> None:
    people = [(marked("uid"), marked_email()) for _ in range(100)]

    account.applied(account.batch([{"uid": uid, "email": email} for uid, email in people]))

    for uid, email in people:
        profile = account.profile(uid=uid)
        assert profile["email"] == email
        assert account.profile(email=email) == profile
        assert account.profile(id=profile["id"]) == profile


@pytest.mark.parametrize("id_", [UNKNOWN_ID, "x"])
def test_an_unknown_batch_is_404(account: Account, id_: str) -> None:
    assert_error(account.http.get(f"/v3/observe/hooks/batches/{id_}"), 404)


def test_a_batch_says_where_it_stands_in_each_partition_of_the_log(account: Account) -> None:
    answer = account.batch([{"uid": marked("uid")} for _ in range(100)])

    header = answer.headers["X-Log-Position"]
    places = header.replace(" ", "").split(",")
    assert all(re.fullmatch(r"\d+:\d+", place) for place in places)
    partitions = [int(place.split(":")[0]) for place in places]
    assert sorted(partitions) == list(range(PARTITIONS))
