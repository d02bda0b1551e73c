"""None"""

import pytest

from schemas.normalization import Normalized, Value, normalize
from tests.support.normalizing import NOW, exactly, stored

NOW_TEXT = "2029-04-07T12:18:00.000Z"


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
