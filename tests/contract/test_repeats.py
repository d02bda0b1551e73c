"""Contract §14: Idempotency-Key, X-Log-Position and X-Min-Log-Position."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.contract.expectations import NO_IDENTIFIER, UNKNOWN_ID, assert_error, assert_same_answer
from tests.support.service import (
    BATCH,
    EVENT,
    EVENT_BATCH,
    PARTITIONS,
    PROFILE,
    UPSERT,
    Account,
    marked,
    marked_email,
)

HOOKS = (UPSERT, EVENT, BATCH, EVENT_BATCH)


def body_for(path: str, uid: str) -> dict[str, Any]:
    """A request that is good for a hook."""
    return {
        UPSERT: {"uid": uid, "plan": "gold", "percent": 1},
        EVENT: {"uid": uid, "name": "a", "percent": 1},
        BATCH: {"profiles": [{"uid": uid, "plan": "gold"}, {"plan": "gold"}]},
        EVENT_BATCH: {"events": [{"uid": uid, "name": "a"}, {"uid": uid}]},
    }[path]


def whole(account: Account, answer: httpx.Response) -> httpx.Response:
    """A batch's answer once all of it is applied; any other answer as it is."""
    if answer.status_code == 202:
        account.applied(answer)
    return answer


def records_about(account: Account, uid: str) -> int:
    """How many records of the log are about the user, whom it erases."""
    deletion = account.forget(uid=uid).json()["deletion"]["id"]
    return account.receipt(deletion)["events"]


# --- the same again


@pytest.mark.parametrize("path", HOOKS)
def test_the_same_again_gets_the_first_answer_and_has_one_effect(
    account: Account, uid: str, path: str
) -> None:
    key, body = marked("key"), body_for(path, uid)
    first = whole(account, account.keyed(key, path, body))
    shown = account.read(**{"uid": uid, "expand[events]": "all"}).content

    again = account.keyed(key, path, body)

    assert first.is_success
    assert "X-Log-Position" in first.headers
    assert_same_answer(again, first)
    assert account.read(**{"uid": uid, "expand[events]": "all"}).content == shown
    assert records_about(account, uid) == 1


@pytest.mark.parametrize("path", HOOKS)
def test_the_same_again_gets_the_first_answer_at_once(
    account: Account, uid: str, path: str
) -> None:
    key, body = marked("key"), body_for(path, uid)

    answers = [account.keyed(key, path, body) for _ in range(3)]

    assert answers[0].is_success
    for again in answers[1:]:
        assert_same_answer(again, answers[0])


def test_the_first_answer_is_given_after_others_have_written(account: Account, uid: str) -> None:
    key = marked("key")
    first = account.keyed(key, UPSERT, {"uid": uid, "plan": "free"})
    account.upsert(uid=uid, plan="gold")

    again = account.keyed(key, UPSERT, {"uid": uid, "plan": "free"})

    assert first.status_code == 201
    assert_same_answer(again, first)
    assert account.profile(uid=uid)["plan"] == "gold"


def test_an_update_is_answered_as_an_update(account: Account, uid: str) -> None:
    key = marked("key")
    account.known(uid=uid)

    answers = [account.keyed(key, UPSERT, {"uid": uid, "plan": "free"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert_same_answer(*answers)


@pytest.mark.parametrize("path", [UPSERT, EVENT])
def test_a_repeat_by_email_means_whom_the_first_attempt_meant(
    account: Account, uid: str, email: str, path: str
) -> None:
    other, key = marked("uid"), marked("key")
    account.known(uid=uid, email=email)
    body = {"email": email, "name": "a", "mark": 1}
    first = account.keyed(key, path, body)
    account.known(uid=other, email=email)
    before = account.read(**{"uid": other, "expand[events]": "all"}).content

    again = account.keyed(key, path, body)

    assert_same_answer(again, first)
    assert account.read(**{"uid": other, "expand[events]": "all"}).content == before


def test_a_repeat_by_an_email_that_nobody_has_any_more_gets_the_first_answer(
    account: Account, uid: str, email: str
) -> None:
    key = marked("key")
    account.known(uid=uid, email=email)
    first = account.keyed(key, UPSERT, {"email": email, "plan": "free"})
    account.upsert(uid=uid, email=None)

    assert_same_answer(account.keyed(key, UPSERT, {"email": email, "plan": "free"}), first)


def test_a_repeat_shows_the_email_that_the_first_attempt_gave(account: Account, uid: str) -> None:
    email, key = marked_email(), marked("key")
    account.known(uid=marked("uid"), email=email)

    for _ in range(2):
        answer = account.keyed(key, UPSERT, {"uid": uid, "email": email})
        assert account.profile(email=email)["id"] == answer.json()["profile"]["id"]


@pytest.mark.parametrize(
    ("one", "equal"),
    [
        ('"a":1,"b":{"c":1,"d":[1]}', '"b":{"d":[1],"c":1},"a":1'),
        ('"a":100', '"a":1e2'),
        ('"a":[1.0,-0.0]', '"a":[1,0]'),
        ('"a":10000000000000000000000', '"a":1e22'),
        ('"a":"\u00e9"', '"a":"\\u00e9"'),
        ('"a":2', '"a":1,"a":2'),
    ],
)
def test_an_equal_value_is_the_same_body(account: Account, uid: str, one: str, equal: str) -> None:
    headers = {"Idempotency-Key": marked("key")}
    first = account.http.post(UPSERT, content=f'{{"uid":"{uid}",{one}}}', headers=headers)

    again = account.http.post(UPSERT, content=f'{{{equal},"uid":"{uid}"}}', headers=headers)

    assert first.status_code == 201
    assert_same_answer(again, first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"a":1', '"a":true'),
        ('"a":1', '"a":"1"'),
        ('"a":[1,2]', '"a":[2,1]'),
        ('"a":9007199254740993', '"a":9007199254740992.0'),
        ('"a":null', '"b":null'),
        ('"a":{}', '"a":[]'),
    ],
)
def test_another_value_is_another_body(account: Account, uid: str, one: str, other: str) -> None:
    headers = {"Idempotency-Key": marked("key")}
    account.http.post(UPSERT, content=f'{{"uid":"{uid}",{one}}}', headers=headers)

    answer = account.http.post(UPSERT, content=f'{{"uid":"{uid}",{other}}}', headers=headers)

    assert_error(answer, 422, "Idempotency-Key")


def test_white_space_makes_no_other_body(account: Account, uid: str) -> None:
    headers = {"Idempotency-Key": marked("key")}
    body = {"uid": uid, "plan": "free"}

    first = account.http.post(UPSERT, content=json.dumps(body), headers=headers)
    again = account.http.post(UPSERT, content=json.dumps(body, indent=2), headers=headers)

    assert_same_answer(again, first)


def test_a_batch_that_had_many_errors_answers_them_again(account: Account) -> None:
    key = marked("key")
    items: list[object] = [{"uid": marked("uid")} if n % 7 else {"plan": n} for n in range(3000)]
    items[5:9] = ["x", {"email": marked_email()}, {"uid": 1, "plan": "\u0001"}, {"id": UNKNOWN_ID}]
    first = account.keyed(key, BATCH, {"profiles": items})
    account.applied(first)

    again = account.keyed(key, BATCH, {"profiles": items})

    assert len(first.json()["errors"]) > 400
    assert_same_answer(again, first)


# --- another request


@pytest.mark.parametrize("path", HOOKS)
def test_the_same_key_with_another_body_is_422(account: Account, uid: str, path: str) -> None:
    key, other = marked("key"), marked("uid")
    assert account.keyed(key, path, body_for(path, uid)).is_success

    answer = account.keyed(key, path, body_for(path, other))

    assert_error(answer, 422, "Idempotency-Key")
    assert not account.has(uid=other)


@pytest.mark.parametrize("path", HOOKS)
@pytest.mark.parametrize("other_path", HOOKS)
def test_the_same_key_on_another_hook_is_422(
    account: Account, uid: str, path: str, other_path: str
) -> None:
    if path == other_path:
        return
    key, other = marked("key"), marked("uid")
    assert account.keyed(key, path, body_for(path, uid)).is_success

    assert_error(account.keyed(key, other_path, body_for(other_path, other)), 422)
    assert not account.has(uid=other)


def test_accounts_do_not_share_keys(account: Account, stranger: Account, uid: str) -> None:
    key = marked("key")

    one = account.keyed(key, UPSERT, {"uid": uid, "plan": "free"})
    other = stranger.keyed(key, UPSERT, {"uid": uid, "plan": "gold"})

    assert (one.status_code, other.status_code) == (201, 201)


@pytest.mark.parametrize("key", ["", "k" * 256])
@pytest.mark.parametrize("path", HOOKS)
def test_a_key_that_is_none_is_422(account: Account, uid: str, path: str, key: str) -> None:
    assert_error(account.keyed(key, path, body_for(path, uid)), 422, "Idempotency-Key")
    assert not account.has(uid=uid)


# --- what is not remembered


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (UPSERT, {"plan": "gold"}),
        (UPSERT, {"email": "nobody@example.com"}),
        (UPSERT, {"id": UNKNOWN_ID}),
        (EVENT, {"name": "a"}),
        (EVENT, {"id": UNKNOWN_ID, "name": "a"}),
        (BATCH, {"profiles": {}}),
        (EVENT_BATCH, {"events": [], "on_model_missing": "?"}),
    ],
)
def test_a_refused_request_is_not_remembered(
    account: Account, uid: str, path: str, bad: dict[str, object]
) -> None:
    key = marked("key")
    refused = account.keyed(key, path, bad)
    assert refused.status_code in {404, 422}

    answer = account.keyed(key, path, body_for(path, uid))

    assert answer.is_success
    whole(account, answer)
    assert account.has(uid=uid)


def test_a_repeat_of_a_forgotten_users_write_is_404(account: Account, uid: str, email: str) -> None:
    by_uid, by_email = marked("key"), marked("key")
    account.keyed(by_uid, UPSERT, {"uid": uid, "email": email})
    account.keyed(by_email, EVENT, {"email": email, "name": "a"})
    account.forget(uid=uid)
    heir = marked("uid")
    account.known(uid=heir, email=email)

    assert_error(account.keyed(by_uid, UPSERT, {"uid": uid, "email": email}), 404)
    assert_error(account.keyed(by_email, EVENT, {"email": email, "name": "a"}), 404)
    assert not account.has(uid=uid)
    assert account.tracked(uid=heir) == {}


# --- at once


@pytest.mark.parametrize("path", HOOKS)
def test_requests_with_one_key_at_once_have_one_effect(
    account: Account, uid: str, path: str
) -> None:
    key, body = marked("key"), body_for(path, uid)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(account.keyed, key, path, body) for _ in range(8)]
        answers = [answer.result() for answer in asked]

    assert answers[0].is_success
    for answer in answers[1:]:
        assert_same_answer(answer, answers[0])
    whole(account, answers[0])
    assert records_about(account, uid) == 1


# --- positions


def test_a_read_waits_for_what_was_written(account: Account, uid: str) -> None:
    items = [{"uid": f"{uid}-{n}", "email": marked_email()} for n in range(3000)]
    written = account.batch(items)
    position = {"X-Min-Log-Position": written.headers["X-Log-Position"]}

    for item in (items[-1], items[0]):
        for name in ("uid", "email"):
            answer = account.http.get(PROFILE, params={name: item[name]}, headers=position)
            assert answer.status_code == 200
            answer = account.http.post(PROFILE, json={name: item[name]}, headers=position)
            assert answer.status_code == 200
    id_ = account.profile(uid=items[0]["uid"])["id"]
    for method in ("GET", "POST"):
        path = f"/v3/analyze/profiles/{id_}"
        assert account.http.request(method, path, headers=position).status_code == 200


def test_a_read_that_waits_goes_on_when_it_is_written(account: Account, uid: str) -> None:
    def write(number: int) -> tuple[str, int]:
        position = account.upsert(uid=uid, number=number).headers["X-Log-Position"]
        partition, offset = position.split(":")
        return partition, int(offset)

    partition, offset = write(0)
    awaited, number = offset + 20, 0
    position = {"X-Min-Log-Position": f"{partition}:{awaited}"}

    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(account.http.get, PROFILE, params={"uid": uid}, headers=position)
        while offset < awaited:
            number += 1
            _, offset = write(number)

    # Another record may stand at the position itself: then the write before it is what must show.
    assert read.result().json()["profile"]["number"] >= number - 1


def test_a_read_that_waits_in_vain_is_503(account: Account, uid: str) -> None:
    account.known(uid=uid)

    answer = account.http.get(
        PROFILE, params={"uid": uid}, headers={"X-Min-Log-Position": "0:999999999999"}
    )

    assert_error(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "position",
    [
        "",
        "x",
        "0",
        "0:",
        ":0",
        "0:-1",
        "-1:0",
        "0:1;0:2",
        "0:1,",
        "0:1,x",
        "0:٣",
        f"{PARTITIONS}:0",
    ],
)
def test_a_position_that_is_none_is_422(account: Account, uid: str, position: str) -> None:
    account.known(uid=uid)
    headers = {b"X-Min-Log-Position": position.encode()}

    assert_error(
        account.http.get(PROFILE, params={"uid": uid}, headers=headers), 422, "X-Min-Log-Position"
    )


def test_what_is_wrong_with_a_position_is_told_to_nobody_without_a_secret(account: Account) -> None:
    headers = {"X-Min-Log-Position": "x", "X-Account-Secret": marked("secret")}

    assert_error(account.http.get(PROFILE, params={"uid": 1}, headers=headers), 403)


def test_nobody_named_is_422_as_without_a_key(account: Account) -> None:
    assert_error(account.keyed(marked("key"), UPSERT, {"plan": 1}), 422, NO_IDENTIFIER)
