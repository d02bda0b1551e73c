"""Contract §11: tracked events."""

from typing import Any

import pytest

from tests.contract.expectations import (
    NO_IDENTIFIER,
    UNKNOWN_ID,
    assert_error,
    is_id,
    is_timestamp,
    no_identifier_for,
)
from tests.support.service import (
    EVENT,
    EVENT_BATCH,
    PROFILE,
    Account,
    marked,
    marked_email,
)


def counts(account: Account, uid: str) -> dict[str, int]:
    return {name: tracked["count"] for name, tracked in account.tracked(uid=uid).items()}


# --- one event


def test_an_event_is_counted_by_its_normalized_name(account: Account, uid: str) -> None:
    account.known(uid=uid)

    for name in ("ImporteD leads", "imported leads", "imported_leads", "Signed up"):
        answer = account.track(uid=uid, name=name)
        assert answer.status_code == 201
        assert list(answer.json()) == ["event"]
        assert is_id(answer.json()["event"]["id"])

    assert counts(account, uid) == {"imported_leads": 3, "signed_up": 1}


def test_a_read_shows_when_an_event_was_first_and_last(account: Account, uid: str) -> None:
    account.track(uid=uid, name="a")
    before = account.tracked(uid=uid)["a"]
    account.track(uid=uid, name="a")

    after = account.tracked(uid=uid)["a"]

    assert list(after) == ["count", "first_at", "last_at", "last"]
    assert after["first_at"] == before["first_at"] == before["last_at"]
    assert is_timestamp(after["last_at"])
    assert after["last_at"] >= after["first_at"]


def test_a_read_shows_the_last_ten_events_of_a_name_the_newest_first(
    account: Account, uid: str
) -> None:
    ids = [
        account.track(uid=uid, name="step", stepNumber=str(n), tags=["a"]).json()["event"]["id"]
        for n in range(13)
    ]

    step = account.tracked(uid=uid)["step"]

    assert step["count"] == 13
    assert [event["id"] for event in step["last"]] == ids[:2:-1]
    assert [event["properties"] for event in step["last"]] == [
        {"step_number": n, "tags": ["a"]} for n in range(12, 2, -1)
    ]
    assert all(is_timestamp(event["at"]) for event in step["last"])


def test_a_read_shows_events_only_where_it_is_asked_for_them(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, events="a property of this name")
    account.track(uid=uid, name="a")

    assert account.profile(uid=uid)["events"] == "a property of this name"
    assert account.read(**{"uid": uid, "expand[events]": "skip"}).content == (
        account.read(uid=uid).content
    )
    little = account.profile(**{"uid": uid, "expand[events]": "min"})["events"]
    assert list(little["a"]) == ["count", "first_at", "last_at"]
    for body in ({"uid": uid}, {"id": id_}):
        answer = account.http.post(PROFILE, json={**body, "expand": {"events": "all"}})
        assert answer.json()["profile"]["events"]["a"]["count"] == 1
    by_id = account.http.get(f"/v3/analyze/profiles/{id_}", params={"expand[events]": "all"})
    assert by_id.json()["profile"]["events"] == account.tracked(uid=uid)
    assert_error(account.read(**{"uid": uid, "expand[events]": "some"}), 422, "expand[events]")


def test_a_profile_without_events_shows_none(account: Account, uid: str) -> None:
    account.known(uid=uid)

    assert account.tracked(uid=uid) == {}


def test_an_event_creates_a_profile_not_yet_seen_by_uid(account: Account, uid: str) -> None:
    answer = account.track(uid=uid, name="a")

    assert answer.status_code == 201
    profile = account.profile(uid=uid)
    assert sorted(profile) == ["created_at", "id", "percent", "uid", "updated_at"]
    assert counts(account, uid) == {"a": 1}


def test_an_event_changes_nothing_of_the_profile(account: Account, uid: str, email: str) -> None:
    account.known(uid=uid, email=email, plan="gold")
    before = account.read(uid=uid).content

    answer = account.track(uid=uid, name="a", plan="silver", email=marked_email())

    assert answer.json()["ignored"] == ["email"]
    assert account.read(uid=uid).content == before


def test_an_email_or_an_id_finds_a_known_profile(account: Account, uid: str, email: str) -> None:
    id_ = account.known(uid=uid, email=email)

    assert account.track(email=f" {email.upper()}", name="a").status_code == 201
    assert account.track(id=id_, name="a").status_code == 201
    assert account.track(id=id_, uid=uid, name="a").status_code == 201

    tracked = account.tracked(uid=uid)["a"]
    assert tracked["count"] == 3
    assert [event["properties"] for event in tracked["last"]] == [{}, {}, {}]


def test_nobody_known_is_404(account: Account) -> None:
    assert_error(account.track(email=marked_email(), name="a"), 404)
    assert_error(account.track(id=UNKNOWN_ID, name="a"), 404)


def test_an_id_and_a_uid_of_two_profiles_are_409(account: Account) -> None:
    one, other = marked("uid"), marked("uid")
    account.known(uid=one)

    assert_error(account.track(id=account.known(uid=other), uid=one, name="a"), 409)


def test_nobody_named_is_422(account: Account) -> None:
    assert_error(account.track(name="a"), 422, NO_IDENTIFIER)


@pytest.mark.parametrize("name", [None, "", " ", "🚧", 7, ["a"], "a\u0001"])
def test_an_event_without_a_name_is_422(account: Account, uid: str, name: Any) -> None:
    assert_error(account.track(uid=uid, name=name), 422, "name")
    assert_error(account.track(uid=uid), 422, "name")
    assert not account.has(uid=uid)


def test_a_bad_property_is_422_and_named(account: Account, uid: str) -> None:
    assert_error(account.track(uid=uid, name="a", plan="\u0001"), 422, "plan")
    assert not account.has(uid=uid)


def test_the_secret_may_be_in_the_path(account: Account, uid: str) -> None:
    path = f"/v3/observe/hooks/{account.secret}/events"

    answer = account.http.post(
        path, json={"uid": uid, "name": "a"}, headers={"X-Account-Secret": account.secret}
    )
    batch = account.http.post(f"{path}/batch", json={"events": [{"uid": uid, "name": "a"}]})

    assert answer.status_code == 201
    account.applied(batch)
    assert counts(account, uid) == {"a": 2}


def test_an_event_says_where_it_stands_in_the_log(account: Account, uid: str) -> None:
    places = [account.track(uid=uid, name="a").headers["X-Log-Position"] for _ in range(2)]

    (first, one), (second, other) = (place.split(":") for place in places)
    assert first == second
    assert int(other) > int(one)


# --- clear and forget


def test_a_clear_removes_the_events(account: Account, uid: str) -> None:
    account.track(uid=uid, name="a")
    account.track(uid=uid, name="b")

    account.clear(uid=uid)

    assert account.tracked(uid=uid) == {}
    account.track(uid=uid, name="a")
    tracked = account.tracked(uid=uid)["a"]
    assert (tracked["count"], len(tracked["last"])) == (1, 1)


def test_a_forget_erases_each_event_that_a_clear_hid_too(account: Account, uid: str) -> None:
    account.track(uid=uid, name="a")
    account.clear(uid=uid)
    account.track(uid=uid, name="a")

    deletion = account.forget(uid=uid).json()["deletion"]["id"]

    assert account.tombstoned(deletion)["events"] == 3
    account.known(uid=uid)
    assert account.tracked(uid=uid) == {}


def test_an_account_does_not_see_the_events_of_another(account: Account, stranger: Account) -> None:
    uid = marked("uid")
    id_ = account.known(uid=uid)

    stranger.track(uid=uid, name="a")

    assert account.tracked(uid=uid) == {}
    assert_error(stranger.track(id=id_, name="a"), 404)


# --- batch


def test_a_batch_takes_good_events_and_names_bad_ones(
    account: Account, uid: str, email: str
) -> None:
    account.known(uid=uid, email=email)
    new = marked("uid")

    answer = account.http.post(
        EVENT_BATCH,
        json={
            "events": [
                {"uid": uid, "name": "a", "n": 1},
                {"name": "a"},
                {"uid": uid},
                {"email": email, "name": "a", "n": 2},
                {"email": marked_email(), "name": "a"},
                "no object",
                {"uid": new, "name": "b"},
            ]
        },
    )

    status = account.applied(answer)
    assert (status["received"], status["accepted"], status["failed"]) == (7, 3, 4)
    errors = answer.json()["errors"]
    assert [(error["code"], error["index"]) for error in errors] == [
        (422, 1), (422, 2), (404, 4), (422, 5),
    ]  # fmt: skip
    assert errors[0]["message"] == no_identifier_for("2nd")
    assert "name" in errors[1]["message"]
    assert "3rd" in errors[1]["message"]
    assert [event["properties"] for event in account.tracked(uid=uid)["a"]["last"]] == [
        {"n": 2}, {"n": 1},
    ]  # fmt: skip
    assert counts(account, new) == {"b": 1}


def test_a_batch_may_leave_out_who_is_not_known(account: Account, uid: str) -> None:
    account.known(uid=uid)
    new = marked("uid")

    answer = account.http.post(
        EVENT_BATCH,
        json={
            "events": [{"uid": uid, "name": "a"}, {"uid": new, "name": "a"}],
            "on_model_missing": "ignore",
        },
    )

    status = account.applied(answer)
    assert (status["accepted"], status["skipped"]) == (1, 1)
    assert not account.has(uid=new)


@pytest.mark.parametrize("body", [{}, {"events": {}}, {"profiles": []}])
def test_a_batch_without_events_is_422(account: Account, body: dict[str, object]) -> None:
    assert_error(account.http.post(EVENT_BATCH, json=body), 422, "events")


def test_events_need_a_secret(account: Account, uid: str) -> None:
    body = {"uid": uid, "name": "a"}
    for path in (EVENT, EVENT_BATCH):
        answer = account.http.post(path, json=body, headers={"X-Account-Secret": marked("secret")})
        assert_error(answer, 403)
    assert not account.has(uid=uid)
