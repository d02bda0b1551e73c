import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import property_names
from schemas.errors import InvalidValue
from schemas.normalization import Normalized, Value, check_text, normalize
from schemas.property_names import IDENTIFIERS, normalize_name
from schemas.timestamps import LAST_TIMESTAMP, parse_timestamp

NOW = 1_870_258_680_000
NOW_TEXT = "2029-04-07T12:18:00.000Z"


def stored(value: object, name: str = "plan") -> Value:
    """What a property of this value is stored as."""
    return normalize({name: value}, NOW).properties[normalize_name(name)]


def exactly(value: object) -> tuple[object, str]:
    """Tells 12 from 12.0 and 1 from true, at any depth."""
    return value, json.dumps(value)


# --- names


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("userRole", "user_role"),
        ("user-role", "user_role"),
        ("User Role", "user_role"),
        ("Feature Announcements!", "feature_announcements"),
        ("01 Onboarding 🚧", "01_onboarding"),
        ("ImporteD leads", "imported_leads"),
    ],
)
def test_a_name_is_normalized_as_the_reference_page_shows(sent: str, kept: str) -> None:
    assert normalize_name(sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("user_role", "user_role"),
        ("__user..role__", "user_role"),
        ("user.role", "user_role"),
        ("USER", "user"),
        ("userID", "user_id"),
        ("companyId", "company_id"),
        ("companyUID", "company_uid"),
        ("HTTPServer", "http_server"),
        ("parseHTTPBody", "parse_http_body"),
        ("userIDs", "user_ids"),
        ("URLsOfUser", "urls_of_user"),
        ("isAdmin", "is_admin"),
        ("aSingleWord", "a_single_word"),
        ("planB", "planb"),
        ("line2Street", "line2_street"),
        ("SHA256Hash", "sha256_hash"),
        ("B2BCustomer", "b2b_customer"),
        ("B2B", "b2b"),
        ("utf8", "utf8"),
    ],
)
def test_a_word_begins_where_a_reader_sees_one(sent: str, kept: str) -> None:
    assert normalize_name(sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Prénom", "prénom"),
        ("Pre\u0301nom", "prénom"),
        ("ÉtatCivil", "état_civil"),
        ("monE\u0301tat", "mon_état"),
        ("Done✅Now", "done_now"),
        ("Done✅", "done"),
        ("役割", "役割"),
        ("का नाम", "का_नाम"),
        ("❤\ufe0f love", "love"),
        ("1\ufe0f\u20e3 first", "1_first"),
    ],
)
def test_letters_of_every_script_stay_and_emoji_go(sent: str, kept: str) -> None:
    assert normalize_name(sent) == kept


@pytest.mark.parametrize("sent", ["", " ", "!!!", "🚧", "___", "\u0301"])
def test_a_name_with_nothing_left_is_dropped(sent: str) -> None:
    assert normalize_name(sent) == ""
    assert normalize({sent: "gold", "plan": {sent: "gold"}}, NOW).properties == {"plan": {}}


@pytest.mark.parametrize("sent", ["x" * 900, "é" * 900, "🚧x" * 900])
def test_a_name_keeps_its_first_768_bytes(sent: str) -> None:
    kept = normalize_name(sent)

    assert 766 <= len(kept.encode()) <= 768
    assert normalize_name(kept) == kept


def test_of_two_inputs_on_one_name_the_last_wins_in_the_first_ones_place() -> None:
    raw = {"userRole": "admin", "plan": "gold", "User Role": "editor"}

    assert list(normalize(raw, NOW).properties.items()) == [
        ("user_role", "editor"),
        ("plan", "gold"),
    ]


def test_names_inside_a_hash_are_normalized_too() -> None:
    assert stored({"userRole": "admin", "user-role": "editor"}) == {"user_role": "editor"}


@settings(deadline=None)
@given(name=st.text(st.characters()) | st.text("aAsSdDIéÉ9_ -\u0301İßΣ\U0001d400"))
def test_normalizing_a_name_twice_is_normalizing_it_once(name: str) -> None:
    once = normalize_name(name)

    assert normalize_name(once) == once
    assert len(once.encode()) <= 768
    assert not once.startswith("_")
    assert not once.endswith("_")


# One piece may be all of the name's first 768 bytes, or nothing of it.
_PIECES = st.text(
    "aAsBd9_ -!=éİßΣʰ\u0301\u0316\u0338\u0345\u0f73가ᄀ\u1161🚧\ufe0f\U0001e8d0", max_size=4
)
_LONG_NAMES = st.lists(
    st.tuples(_PIECES, st.sampled_from([1, 2, 40, 400, 1500])), min_size=1, max_size=6
).map(lambda pieces: "".join(piece * times for piece, times in pieces))


@settings(deadline=None, max_examples=150)
@given(name=_LONG_NAMES)
@example(name="!" * 5000 + "plan")
@example(name="\u0301" * 5000 + "plan")
@example(name="a\u0316" + "!\u0301" * 5000 + "planName")
@example(name="a" + "\u0316" * 5000 + "\u0301b")
@example(name="a" * 4095 + "\u0316" * 200 + "\u0301")
def test_a_long_name_is_cut_before_it_is_normalized_where_that_changes_nothing(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(property_names, "_LONG_NAME", len(name))
        whole = normalize_name(name)

    assert normalize_name(name) == whole


@given(name=st.from_regex(r"[a-z0-9]{1,3}(_[a-z0-9]{1,3}){0,3}", fullmatch=True))
def test_a_name_in_its_normal_form_stays_as_it_is(name: str) -> None:
    assert normalize_name(name) == name
    assert normalize_name(f" {name}") == name


# --- numbers, booleans


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("12", 12),
        ("12.12", 12.12),
        ("11.9932e5", 1199320.0),
        ("0", 0),
        ("-0", 0),
        ("-12", -12),
        ("0.5", 0.5),
        ("1E5", 100000.0),
        ("1e-2", 0.01),
        ("123456789012345", 123456789012345),
        ("-123456789012345", -123456789012345),
        ("12345678901.2345e10", 123456789012345000000.0),
        ("true", True),
        ("false", False),
    ],
)
def test_a_text_that_spells_a_number_or_boolean_becomes_one(sent: str, kept: object) -> None:
    assert exactly(stored(sent)) == exactly(kept)


@pytest.mark.parametrize(
    "text",
    [
        "007",
        "+3312345",
        "-007",
        "1e400",
        "-1e400",
        "1234567890123456",
        "12345678901.23456",
        "0." + "0" * 15,
        "1.",
        ".5",
        "1e",
        "0x10",
        "1_000",
        "1,5",
        " 12",
        "12 ",
        "12\n",
        "\uff11\uff12",
        "٣",
        "-",
        "NaN",
        "Infinity",
        "True",
        "FALSE",
        "true ",
        "null",
        "",
        "1e" + "0" * 70 + "5",
    ],
)
def test_a_text_that_json_would_not_read_so_stays_a_text(text: str) -> None:
    assert stored(text) == text


@pytest.mark.parametrize(
    "value", [12, 12.5, -0.0, True, None, 2**63 - 1, -(2**63), 1e300, "gold", [], {}]
)
def test_what_has_its_type_already_stays_as_it_is(value: object) -> None:
    assert exactly(stored(value)) == exactly(value)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**200])
def test_a_whole_number_of_more_than_64_bits_keeps_its_digits_as_a_text(number: int) -> None:
    assert stored(number) == str(number)


# --- times


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2029-08-21T02:46:46Z", "2029-08-21T02:46:46.000Z"),
        ("2029-08-21T02:46:46.123+02:00", "2029-08-21T00:46:46.123Z"),
        ("2029-08-21 02:46:46", "2029-08-21T02:46:46.000Z"),
        ("2029-08-21 02:46:46 +00:00", "2029-08-21T02:46:46.000Z"),
        ("2029-08-21", "2029-08-21T00:00:00.000Z"),
    ],
)
def test_a_date_becomes_a_timestamp_in_utc(sent: str, kept: str) -> None:
    assert stored(sent) == kept


@pytest.mark.parametrize("text", ["2029-02-30", "0001-01-01T00:00:00+05:00", "tomorrow"])
def test_a_date_that_never_was_stays_a_text(text: str) -> None:
    assert stored(text) == text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (1870258680, NOW_TEXT),
        ("1870258680", NOW_TEXT),
        (1870258680.5, "2029-04-07T12:18:00.500Z"),
        (100000000, "1973-03-03T09:46:40.000Z"),
        ("2000000000", "2033-05-18T03:33:20.000Z"),
        ([1870258680, "1870258680"], [NOW_TEXT, NOW_TEXT]),
    ],
)
@pytest.mark.parametrize("name", ["created", "signed_up_at", "signedUpAt", "login_time"])
def test_unix_seconds_become_a_timestamp_when_the_name_tells_a_time(
    name: str, sent: object, kept: Value
) -> None:
    assert stored(sent, name) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (1870258680000, NOW_TEXT),
        ("1870258680000", NOW_TEXT),
        (1870258680000.4, NOW_TEXT),
        ("1.87025868e12", NOW_TEXT),
        (100000000000, "1973-03-03T09:46:40.000Z"),
        ("2000000000000", "2033-05-18T03:33:20.000Z"),
        ([1870258680000], [NOW_TEXT]),
    ],
)
@pytest.mark.parametrize("name", ["created", "signedUpAt", "login_time"])
def test_unix_milliseconds_become_a_timestamp_where_seconds_do(
    name: str, sent: object, kept: Value
) -> None:
    assert stored(sent, name) == kept
    assert stored(sent, "plan") != kept


@pytest.mark.parametrize(
    "number", [99999999, 2000000001, 99999999999, 2000000000001, -1870258680, 0]
)
def test_numbers_outside_1973_to_2033_are_no_unix_time(number: int) -> None:
    assert stored(number, "signed_up_at") == number
    assert stored(str(number), "signed_up_at") == number


@pytest.mark.parametrize("name", ["plan", "at", "time", "flat", "recreated", "created_by"])
def test_under_other_names_unix_seconds_are_numbers(name: str) -> None:
    assert stored("1870258680", name) == 1870258680


def test_inside_a_hash_unix_seconds_go_by_the_name_of_the_key() -> None:
    assert stored({"signedUpAt": 1870258680, "seats": 1870258680}, "login_time") == {
        "signed_up_at": NOW_TEXT,
        "seats": 1870258680,
    }


def test_true_is_no_second() -> None:
    assert stored(True, "created") is True


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("$now", NOW_TEXT),
        ("+30d", "2029-05-07T12:18:00.000Z"),
        ("-7d", "2029-03-31T12:18:00.000Z"),
        ("+0d", NOW_TEXT),
        ({"until": "+1d"}, {"until": "2029-04-08T12:18:00.000Z"}),
        (["$now"], [NOW_TEXT]),
    ],
)
def test_now_and_days_from_now_are_fixed_when_the_event_is_made(sent: object, kept: Value) -> None:
    assert stored(sent) == kept


@pytest.mark.parametrize(
    "text", ["+9999999d", "-9999999d", "+99999999999999d", "30d", "+30D", "+d", "+1.5d", "$NOW"]
)
def test_days_beyond_the_calendar_and_other_spellings_stay_a_text(text: str) -> None:
    assert stored(text) == text


# --- arrays, hashes


def test_an_array_loses_its_nulls_and_its_items_are_normalized() -> None:
    assert stored(["992", None]) == [992]


def test_a_hash_or_an_array_inside_an_array_is_dropped() -> None:
    assert stored(["gold", {"a": 1}, [1], [], {}, "true"]) == ["gold", True]


def test_three_levels_of_hashes_are_kept_and_a_fourth_is_a_json_string_as_sent() -> None:
    fourth: dict[str, object] = {"userRole": ["1", None, {"d": "é"}]}

    assert stored({"a": {"b": {"c": fourth}}}) == {
        "a": {"b": {"c": '{"userRole":["1",null,{"d":"é"}]}'}}
    }


def test_an_array_on_the_third_level_of_hashes_is_an_array() -> None:
    assert stored({"a": {"b": {"c": ["1", {"d": 1}]}}}) == {"a": {"b": {"c": [1]}}}


def test_a_null_inside_a_hash_stays() -> None:
    assert stored({"a": None, "b": {"c": None}}) == {"a": None, "b": {"c": None}}


def test_values_inside_a_hash_are_normalized() -> None:
    assert stored({"a": "12", "b": {"c": "true"}}) == {"a": 12, "b": {"c": True}}


# --- 768 bytes


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("x" * 768, "x" * 768),
        ("x" * 769, "x" * 768),
        ("é" * 385, "é" * 384),
        ("x" + "é" * 384, "x" + "é" * 383),
        ("🚧" * 193, "🚧" * 192),
        ("xx" + "🚧" * 192, "xx" + "🚧" * 191),
        ("1" * 800, "1" * 768),
        (["é" * 385], ["é" * 384]),
        ({"a": "é" * 385}, {"a": "é" * 384}),
    ],
)
def test_a_text_keeps_its_first_768_bytes_and_is_cut_at_a_character(
    sent: object, kept: Value
) -> None:
    assert stored(sent) == kept


def test_the_json_string_of_a_fourth_hash_is_cut_too() -> None:
    value = stored({"a": {"b": {"c": {"long": "é" * 1000}}}})

    assert value == {"a": {"b": {"c": '{"long":"' + "é" * 379}}}


@pytest.mark.parametrize("tail", [" and more", "é"])
def test_a_text_that_was_cut_is_never_read_as_a_number(tail: str) -> None:
    cut = stored("1e" + "0" * 765 + "5" + tail)

    assert isinstance(cut, str)
    assert stored(cut) == cut


# --- $unset, and names with a meaning of their own


def test_unset_names_are_told_apart() -> None:
    assert normalize({"userRole": "$unset", "plan": "gold"}, NOW) == Normalized(
        {"plan": "gold"}, ["user_role"], []
    )


def test_of_a_value_and_an_unset_on_one_name_the_last_wins() -> None:
    assert normalize({"plan": "gold", "Plan": "$unset"}, NOW) == Normalized({}, ["plan"], [])
    assert normalize({"Plan": "$unset", "plan": "gold"}, NOW) == Normalized(
        {"plan": "gold"}, [], []
    )


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"a": "$unset", "b": 1}, {"b": 1}),
        ({"a": "$unset"}, {}),
        ({"a": 1, "A": "$unset"}, {}),
        ({"A": "$unset", "a": 1}, {"a": 1}),
        ({"a": {"b": {"c": "$unset", "d": 1}}}, {"a": {"b": {"d": 1}}}),
        ({"a": {"b": {"c": {"d": "$unset"}}}}, {"a": {"b": {"c": "{}"}}}),
        (
            {"a": {"b": {"c": {"d": "$unset", "e": [{"f": "$unset", "g": "$unset "}, "$unset"]}}}},
            {"a": {"b": {"c": '{"e":[{"g":"$unset "},"$unset"]}'}}},
        ),
        ({"🚧": "$unset", "a": 1}, {"a": 1}),
    ],
)
def test_inside_a_hash_unset_leaves_the_name_out(sent: object, kept: Value) -> None:
    assert stored(sent) == kept


def test_inside_an_array_unset_is_just_a_text() -> None:
    assert stored(["$unset"]) == ["$unset"]


@pytest.mark.parametrize(
    "name", ["id", "created_at", "updated_at", "percent", "company", "last_cleared_at"]
)
@pytest.mark.parametrize("value", ["gold", "$unset", None])
def test_what_the_hook_cannot_set_is_named_as_ignored(name: str, value: object) -> None:
    raw = {name.title(): value, name: value}

    assert normalize(raw, NOW) == Normalized({}, [], [name])


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("UID", "uid"),
        ("Email", "email"),
        ("companyId", "company_id"),
        ("companyUID", "company_uid"),
    ],
)
@pytest.mark.parametrize(
    "value", ["12", "true", "2029-08-21", "$now", "$unset", "x" * 900, 12, None]
)
def test_an_identifier_in_another_spelling_is_handed_back_as_sent(
    spelling: str, name: str, value: object
) -> None:
    assert normalize({spelling: value}, NOW) == Normalized({name: value}, [], [])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("spelling", ["account_secret", "accountSecret", "Account Secret"])
@pytest.mark.parametrize("value", ["s3cret", "$unset"])
def test_the_account_secret_is_never_stored(spelling: str, value: str) -> None:
    assert normalize({spelling: value, "plan": "gold"}, NOW) == Normalized({"plan": "gold"}, [], [])


# --- what is refused

BAD_CHARACTERS = ["\x00", "\x08", "\x0b", "\x1f", "\ud800", "\udfff"]


@pytest.mark.parametrize("bad", BAD_CHARACTERS)
@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"plan": "goldBAD"}, "plan"),
        ({"Plan Name": "BAD"}, "plan_name"),
        ({"plan": "x" * 900 + "BAD"}, "plan"),
        ({"plan": ["gold", "BAD"]}, "plan"),
        ({"plan": {"a": "BAD"}}, "plan"),
        ({"plan": [{"dropped": "BAD"}]}, "plan"),
        ({"plan": [[["BAD"]]]}, "plan"),
        ({"plan": {"a": {"b": {"c": {"d": "BAD"}}}}}, "plan"),
        ({"created_at": "BAD"}, "created_at"),
        ({"Email": "BAD"}, "email"),
        ({"accountSecret": "BAD"}, "account_secret"),
        ({"🚧": "BAD"}, "a property without a name"),
        ({"planBAD": "gold"}, "a property name"),
        ({"x" * 900 + "BAD": "gold"}, "a property name"),
        ({"plan": {"BAD": 1}}, "a name inside plan"),
        ({"plan": [{"BAD": 1}]}, "a name inside plan"),
        ({"plan": {"a": {"b": {"c": {"BAD": 1}}}}}, "a name inside plan"),
    ],
)
def test_a_control_character_or_a_lone_surrogate_is_refused_wherever_it_is(
    raw: dict[str, object], place: str, bad: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize(_with(raw, bad), NOW)

    assert refusal.value.name == place


def _with(value: Any, bad: str) -> Any:
    """`value` with `bad` wherever it says BAD."""
    if isinstance(value, str):
        return value.replace("BAD", bad)
    if isinstance(value, list):
        return [_with(item, bad) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {_with(k, bad): _with(v, bad) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


@pytest.mark.parametrize("text", ["a\tb\nc\rd", "", "é🚧", "\x7f", "\u2028", "\ue000", "\u200d"])
def test_tab_line_feed_carriage_return_and_all_above_are_text(text: str) -> None:
    assert check_text(text)
    assert stored(text) == text


def test_a_refusal_never_holds_the_value() -> None:
    with pytest.raises(InvalidValue) as refusal:
        normalize({"plan": "secret-value\x00"}, NOW)

    assert "secret-value" not in str(refusal.value) + repr(refusal.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"gold", (1,), {1: 2}, [{1, 2}]])
def test_what_no_json_says_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue):
        normalize({"plan": value}, NOW)


def test_more_names_than_can_be_folded_at_once_are_refused() -> None:
    names = [f"n{number}" for number in range(20_001)]

    assert len(normalize(dict.fromkeys(names[1:], 1), NOW).properties) == 20_000
    with pytest.raises(InvalidValue, match="at most 20000 names"):
        normalize(dict.fromkeys(names, 1), NOW)


def test_a_hundred_hashes_inside_each_other_are_taken_and_one_more_is_refused() -> None:
    deepest: object = "gold"
    for _ in range(100):
        deepest = {"a": deepest}

    assert stored(deepest)
    with pytest.raises(InvalidValue, match="more than 100 deep"):
        stored({"a": deepest})


def test_nesting_without_end_needs_no_stack() -> None:
    deepest: object = "gold"
    for _ in range(50_000):
        deepest = [deepest]

    with pytest.raises(InvalidValue, match="more than 100 deep"):
        stored(deepest)


# --- whatever is sent

NASTY = [
    "12",
    " 12",
    "-0",
    "-0.0",
    "007",
    "1e400",
    "1e-400",
    "1e" + "0" * 766 + "5",
    "1" * 800,
    "1870258680",
    "true",
    "2029-08-21",
    "2029-08-21T02:46:46.123456+05:30",
    "2029-08-21T02:46:46." + "1" * 800,
    "0001-01-01T00:00:00+05:00",
    "$now",
    "$unset",
    "+30d",
    "-7d",
    "+3650000d",
    "é" * 500,
    "x" + "🚧" * 300,
    '{"a":1}',
]
NAMES = st.sampled_from(["plan", "userRole", "created", "signed_up_at", "Email", "id"]) | st.text()
CLEAN_TEXTS = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs", "Cc"]))
CLEAN_NAMES = st.sampled_from(["plan", "created", "signed_up_at", "Email", "id"]) | CLEAN_TEXTS
NUMBERS = (
    st.integers()
    | st.integers(-(10**400), 10**400)
    | st.integers(99_999_990, 2_000_000_010)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(99_999_990, 2_000_000_010)
)


def _json(texts: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> Any:
    return st.recursive(
        st.none() | st.booleans() | NUMBERS | texts,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
        max_leaves=20,
    )


CLEAN_ITEMS = st.dictionaries(CLEAN_NAMES, _json(CLEAN_TEXTS, CLEAN_NAMES), max_size=6)
ANY_TEXTS = st.text(st.characters()) | CLEAN_TEXTS
ANY_ITEMS = st.dictionaries(ANY_TEXTS | NAMES, _json(ANY_TEXTS, ANY_TEXTS), max_size=6)
TIMES = st.integers(0, LAST_TIMESTAMP)


@settings(deadline=None)
@given(raw=CLEAN_ITEMS, now=TIMES)
@example(raw={"a": {"b": {"c": {"d": {"e": "12"}}}}}, now=NOW)
def test_normalizing_twice_is_normalizing_once(raw: dict[str, object], now: int) -> None:
    once = normalize(raw, now).properties
    twice = normalize(once, now)

    assert exactly(twice.properties) == exactly(once)
    assert list(twice.properties) == list(once)
    assert twice.unset == []
    assert twice.ignored == []


@settings(deadline=None)
@given(raw=CLEAN_ITEMS, now=TIMES)
def test_no_text_or_name_that_is_stored_has_more_than_768_bytes(
    raw: dict[str, object], now: int
) -> None:
    for name, value in normalize(raw, now).properties.items():
        if name not in IDENTIFIERS:
            assert all(len(text.encode()) <= 768 for text in _texts({name: value}))


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _texts(member)


@settings(deadline=None)
@given(raw=CLEAN_ITEMS)
def test_no_more_than_three_levels_of_hashes_are_stored(raw: dict[str, object]) -> None:
    for name, value in normalize(raw, NOW).properties.items():
        if name not in IDENTIFIERS:
            assert _hash_levels(value) <= 3


def _hash_levels(value: Value) -> int:
    if not isinstance(value, dict):
        return 0
    return 1 + max(map(_hash_levels, value.values()), default=0)


@settings(deadline=None)
@given(raw=ANY_ITEMS, now=TIMES)
def test_whatever_json_says_is_stored_or_refused(raw: dict[str, object], now: int) -> None:
    try:
        normalized = normalize(raw, now)
    except InvalidValue:
        assert not all(map(check_text, _all_texts(raw)))
    else:
        assert all(map(check_text, _all_texts(raw)))
        json.dumps(normalized.properties).encode()


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield name
            yield from _all_texts(member)
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _all_texts(item)


@settings(deadline=None)
@given(text=st.text(st.characters()))
def test_text_is_refused_for_the_characters_of_the_contract_alone(text: str) -> None:
    bad = any(
        (ord(character) < 0x20 and character not in "\t\n\r") or 0xD800 <= ord(character) <= 0xDFFF
        for character in text
    )
    assert check_text(text) is not bad


@settings(deadline=None)
@given(days=st.integers(-(10**9), 10**9), now=TIMES)
def test_days_from_now_are_a_timestamp_or_stay_as_sent(days: int, now: int) -> None:
    text = f"{days:+d}d"
    value = normalize({"until": text}, now).properties["until"]

    assert isinstance(value, str)
    moment = parse_timestamp(value)
    assert value == text if moment is None else moment == now + days * 86_400_000
