"""Contract §5: what a browser says of a user is checked when it is sent."""

from typing import Any

import pytest

from tests.contract.expectations import assert_error
from tests.support.service import Account, marked

WHOLE: dict[str, Any] = {
    "browser_x": 1920,
    "browser_tz": 5.5,
    "browser_l": "de-CH",
    "browser_n": "firefox",
    "browser_k": "desktop",
    "last_seen_at": "2029-04-07T12:18:00.000Z",
    "last_seen_session_count": 12,
    "delivery_ids": ["5f2b0a3c9d1e4f6071829304", "5f2b0a3c9d1e4f6071829305"],
}
BAD: list[tuple[str, Any]] = [
    ("browser_x", "wide"),
    ("browser_x", True),
    ("browser_tz", 15),
    ("browser_tz", "CET"),
    ("browser_l", ["de"]),
    ("browser_n", "netscape"),
    ("browser_n", ["chrome"]),
    ("browser_k", "watch"),
    ("last_seen_at", "yesterday"),
    ("last_seen_session_count", -1),
    ("last_seen_session_count", 1.5),
    ("delivery_ids", "5f2b0a3c9d1e4f6071829304"),
    ("delivery_ids", [True]),
]


def test_a_read_shows_the_whole_schema_as_it_was_sent(account: Account, uid: str) -> None:
    account.known(uid=uid, **WHOLE)

    profile = account.profile(uid=uid)

    assert {name: profile[name] for name in WHOLE} == WHOLE


def test_values_are_checked_as_they_are_stored(account: Account, uid: str) -> None:
    account.known(
        uid=uid, **{"Browser X": "1920", "browser-tz": "-3", "last_seen_at": 1_870_000_000}
    )

    profile = account.profile(uid=uid)

    assert (profile["browser_x"], profile["browser_tz"]) == (1920, -3)
    assert profile["last_seen_at"] == "2029-04-04T12:26:40.000Z"


@pytest.mark.parametrize("name", WHOLE)
def test_each_may_be_null_or_removed(account: Account, uid: str, name: str) -> None:
    account.known(uid=uid, **WHOLE)

    account.known(uid=uid, **{name: None})
    assert account.profile(uid=uid)[name] is None

    account.known(uid=uid, **{name: "$unset"})
    assert name not in account.profile(uid=uid)


@pytest.mark.parametrize(("name", "value"), BAD)
def test_another_value_is_422_that_names_the_field(
    account: Account, uid: str, name: str, value: object
) -> None:
    assert_error(account.upsert(uid=uid, **{name: value}), 422, f"{name} must be")
    assert not account.has(uid=uid)


def test_in_a_batch_the_item_alone_is_refused(account: Account, uid: str) -> None:
    other = marked("uid")

    answer = account.batch([{"uid": uid, "browser_k": "watch"}, {"uid": other, **WHOLE}])

    (error,) = answer.json()["errors"]
    assert (error["code"], error["index"]) == (422, 0)
    assert "browser_k must be one of desktop, mobile, tablet" in error["message"]
    assert "for the 1st item" in error["message"]
    account.applied(answer)
    assert account.has(uid=other)
    assert not account.has(uid=uid)
