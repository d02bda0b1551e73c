"""Contract §9, as a product meets it: what is sent, and what a read answers for it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.expectations import TIMESTAMP, assert_error
from tests.support.service import Account, Service, marked, marked_number

# Each line: a name and a value as sent, and the name and value that are stored.
STORED: list[tuple[str, Any, str, Any]] = [
    # names
    ("userRole", 1, "user_role", 1),
    ("user-role2", 1, "user_role2", 1),
    ("User Role B", 1, "user_role_b", 1),
    ("Feature Announcements!", 1, "feature_announcements", 1),
    ("01 Onboarding 🚧", 1, "01_onboarding", 1),
    ("ImporteD leads", 1, "imported_leads", 1),
    # numbers
    ("int_text", "12", "int_text", 12),
    ("fraction_text", "12.12", "fraction_text", 12.12),
    ("exponent_text", "11.9932e5", "exponent_text", 1199320.0),
    ("below_zero_text", "-3", "below_zero_text", -3),
    ("fifteen_digits", "123456789012345", "fifteen_digits", 123456789012345),
    ("sixteen_digits", "1234567890123456", "sixteen_digits", "1234567890123456"),
    ("agent", "007", "agent", "007"),
    ("phone", "+3312345", "phone", "+3312345"),
    ("blank_number", " 12", "blank_number", " 12"),
    ("hex_number", "0x1f", "hex_number", "0x1f"),
    ("nan_text", "NaN", "nan_text", "NaN"),
    # booleans
    ("yes", "true", "yes", True),
    ("no", "false", "no", False),
    ("shouted", "TRUE", "shouted", "TRUE"),
    # timestamps
    ("iso", "2029-04-07T12:18:00Z", "iso", "2029-04-07T12:18:00.000Z"),
    ("iso_zone", "2029-04-07T14:18:00+02:00", "iso_zone", "2029-04-07T12:18:00.000Z"),
    ("iso_ms", "2029-04-07T12:18:00.1239Z", "iso_ms", "2029-04-07T12:18:00.123Z"),
    ("blank", "2029-08-21 02:46:46", "blank", "2029-08-21T02:46:46.000Z"),
    ("blank_zone", "2029-08-21 02:46:46 +00:00", "blank_zone", "2029-08-21T02:46:46.000Z"),
    ("day", "2029-08-21", "day", "2029-08-21T00:00:00.000Z"),
    ("no_day", "2029-02-30", "no_day", "2029-02-30"),
    # unix seconds
    ("signed_up_at", 1893456000, "signed_up_at", "2030-01-01T00:00:00.000Z"),
    ("trial_time", "1893456000", "trial_time", "2030-01-01T00:00:00.000Z"),
    ("created", 100000000, "created", "1973-03-03T09:46:40.000Z"),
    ("last_at", 2000000000, "last_at", "2033-05-18T03:33:20.000Z"),
    ("early_at", 99999999, "early_at", 99999999),
    ("late_at", 2000000001, "late_at", 2000000001),
    ("seconds", 1893456000, "seconds", 1893456000),
    # arrays
    ("numbers", ["992", None], "numbers", [992]),
    ("mixed", [1, {"a": 1}, [2], "true", "x"], "mixed", [1, True, "x"]),
    ("empty", [], "empty", []),
    # hashes
    ("hash", {"zipCode": "12", "a": None}, "hash", {"zip_code": 12, "a": None}),
    ("three", {"b": {"c": {"d": "1"}}}, "three", {"b": {"c": {"d": 1}}}),
    ("four", {"b": {"c": {"d": 1}}}, "four", {"b": {"c": {"d": 1}}}),
    ("nested_array", {"b": ["1", None]}, "nested_array", {"b": [1]}),
    # 768 bytes
    ("long", "x" * 1000, "long", "x" * 768),
    ("long_euro", "€" * 300, "long_euro", "€" * 256),
    ("cut_before", "x" + "€" * 300, "cut_before", "x" + "€" * 255),
    ("long_items", ["y" * 1000, "z" * 1000], "long_items", ["y" * 768, "z" * 768]),
    ("long_member", {"a": "x" * 1000}, "long_member", {"a": "x" * 768}),
    # null stays
    ("nothing", None, "nothing", None),
]
SENT = {name: value for name, value, _, _ in STORED}


@pytest.fixture(scope="module", params=["single", "batch"])
def stored(request: pytest.FixtureRequest, account: Account) -> dict[str, Any]:
    """The profile that a read answers when all lines were sent in one write."""
    uid = marked("uid")
    if request.param == "single":
        account.known(uid=uid, **SENT)
    else:
        account.applied(account.batch([{"uid": uid, **SENT}]))
    return account.profile(uid=uid)


@pytest.mark.parametrize(("name", "sent", "stored_name", "expected"), STORED)
def test_a_property_is_stored_normalized(
    stored: dict[str, Any], name: str, sent: object, stored_name: str, expected: object
) -> None:
    del name, sent
    assert repr(stored[stored_name]) == repr(expected)


def test_no_name_is_stored_as_sent(stored: dict[str, Any]) -> None:
    always = {"id", "uid", "created_at", "updated_at", "percent"}

    assert stored.keys() == always | {name for _, _, name, _ in STORED}


@pytest.mark.parametrize("name", ["", " ", "!!!", "🚧", "---"])
def test_a_name_with_nothing_left_is_dropped(account: Account, uid: str, name: str) -> None:
    account.known(uid=uid, **{name: "x"})

    assert account.profile(uid=uid).keys() == {
        "id", "uid", "created_at", "updated_at", "percent",
    }  # fmt: skip


@pytest.mark.parametrize("spellings", [("userRole", "user_role"), ("User Role", "user-role")])
def test_of_two_inputs_on_one_name_the_last_one_wins(
    account: Account, uid: str, spellings: tuple[str, str]
) -> None:
    first, last = spellings
    account.known(uid=uid, **{first: "first", last: "last"})
    assert account.profile(uid=uid)["user_role"] == "last"

    account.known(uid=uid, hash={first: "first", last: "last"})
    assert account.profile(uid=uid)["hash"] == {"user_role": "last"}


@pytest.mark.parametrize("ending", ["000", ".50", "e5"])
def test_a_uid_is_never_converted(account: Account, ending: str) -> None:
    uid = f"{marked_number()}{ending}"
    account.known(uid=uid)

    assert account.profile(uid=uid)["uid"] == uid


def test_an_email_is_never_converted(account: Account, uid: str) -> None:
    number = str(marked_number())
    account.known(uid=uid, email=number)

    assert account.profile(email=number)["email"] == number


@pytest.mark.parametrize(
    ("text", "days"), [("$now", 0), ("+30d", 30), ("-7d", -7), ("+0d", 0), ("+1d", 1)]
)
def test_a_time_from_now_is_fixed_when_it_is_sent(
    account: Account, uid: str, text: str, days: int
) -> None:
    before = datetime.now(UTC)
    account.known(uid=uid, due=text)
    after = datetime.now(UTC)

    due = account.profile(uid=uid)["due"]

    assert TIMESTAMP.fullmatch(due)
    meant = datetime.fromisoformat(due) - timedelta(days=days)
    assert before - timedelta(milliseconds=1) <= meant <= after
    account.known(uid=uid, plan="gold")
    assert account.profile(uid=uid)["due"] == due


def test_a_fourth_level_of_hashes_is_a_json_string(account: Account, uid: str) -> None:
    account.known(uid=uid, deep={"two": {"three": {"four": {"five": "5", "six": None}}}})

    assert account.profile(uid=uid)["deep"] == {
        "two": {"three": {"four": '{"five":"5","six":null}'}}
    }


def test_the_json_string_of_a_fourth_level_keeps_768_bytes(account: Account, uid: str) -> None:
    account.known(uid=uid, deep={"two": {"three": {"four": {"five": "x" * 1000}}}})

    text = account.profile(uid=uid)["deep"]["two"]["three"]["four"]
    assert text == ('{"five":"' + "x" * 1000)[:768]


@pytest.mark.parametrize(
    "name", ["id", "created_at", "updated_at", "percent", "company", "last_cleared_at"]
)
def test_what_the_hook_cannot_set_is_dropped_and_named(
    account: Account, uid: str, name: str
) -> None:
    id_ = account.known(uid=uid)
    before = account.profile(uid=uid)
    spelled = "ID" if name == "id" else name.replace("_", " ").title()

    answer = account.upsert(uid=uid, **{spelled: "2029-08-21"})

    assert answer.json() == {"profile": {"id": id_}, "ignored": [name]}
    after = account.profile(uid=uid)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


def test_all_that_the_hook_cannot_set_is_named_once(account: Account, uid: str) -> None:
    answer = account.upsert(uid=uid, percent=1, Percent=2, company="x", createdAt=3, plan="gold")

    assert answer.status_code == 201
    assert sorted(answer.json()["ignored"]) == ["company", "created_at", "percent"]
    assert account.profile(uid=uid)["plan"] == "gold"


@pytest.mark.parametrize("character", ["\0", "\x01", "\x0b", "\x1b", "\x1f"])
def test_a_control_character_is_422_and_nothing_is_stored(
    account: Account, uid: str, character: str
) -> None:
    account.known(uid=uid, plan="gold")
    before = account.read(uid=uid).content
    text = f"a{character}b"

    for sent in ({"name": text}, {text: 1}, {"list": [text]}, {"hash": {"x": text}}):
        assert_error(account.upsert(uid=uid, plan="free", **sent), 422)
    assert account.read(uid=uid).content == before


def test_the_message_names_the_property_that_holds_a_control_character(
    account: Account, uid: str
) -> None:
    assert_error(account.upsert(uid=uid, userRole="a\0b"), 422, "user_role")


@pytest.mark.parametrize("text", ["tab\there", "line\nfeed", "carriage\rreturn", "del\x7f", "🚧"])
def test_other_characters_are_stored_as_sent(account: Account, uid: str, text: str) -> None:
    account.known(uid=uid, note=text)

    assert account.profile(uid=uid)["note"] == text


def test_a_value_that_was_answered_may_be_sent_again(
    stored: dict[str, Any], account: Account, uid: str
) -> None:
    always = {"id", "uid", "created_at", "updated_at", "percent"}
    properties = {name: value for name, value in stored.items() if name not in always}

    account.known(uid=uid, **properties)

    profile = account.profile(uid=uid)
    assert {name: profile[name] for name in properties} == properties


@pytest.mark.parametrize(
    "properties",
    [
        {"a" + "\u0301\u0316" * 250_000: 1},
        {f"userName{number}": 1 for number in range(19_000)},
        {"a": [1] * 300_000},
        {"a": {f"n{number}": 1 for number in range(60_000)}},
    ],
    ids=["marks", "names", "items", "names in a hash"],
)
def test_others_are_answered_beside_what_takes_long_to_normalize(
    service: Service, account: Account, uid: str, properties: dict[str, object]
) -> None:
    body = json.dumps({"uid": uid, **properties}, ensure_ascii=False).encode()

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(account.upsert_raw, body)
        while not written.done():
            assert service.http.get("/health", timeout=5).status_code == 200

    assert written.result().status_code == 201
    account.forget(uid=uid)


def test_more_than_20_000_names_are_422(account: Account, uid: str) -> None:
    body = {f"n{number}": 1 for number in range(20_000)}

    assert_error(account.upsert(uid=uid, **body), 422, "20000 names")
