import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.timestamps import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    format_timestamp,
    parse_stored_timestamp,
    parse_timestamp,
)

TIMESTAMPS = st.integers(FIRST_TIMESTAMP, LAST_TIMESTAMP)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (1_870_258_680_000, "2029-04-07T12:18:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_582_979_696_007, "2020-02-29T12:34:56.007Z"),
        (FIRST_TIMESTAMP, "0001-01-01T00:00:00.000Z"),
        (LAST_TIMESTAMP, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_are_written_as_utc(ms: int, text: str) -> None:
    assert format_timestamp(ms) == text


@pytest.mark.parametrize("ms", [FIRST_TIMESTAMP - 1, LAST_TIMESTAMP + 1, 10**30])
def test_milliseconds_outside_the_years_1_to_9999_are_refused(ms: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        format_timestamp(ms)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2029-08-21 02:46:46", "2029-08-21T02:46:46.000Z"),
        ("2029-08-21 02:46:46 +00:00", "2029-08-21T02:46:46.000Z"),
        ("2029-08-21", "2029-08-21T00:00:00.000Z"),
        ("2029-08-21T02:46:46Z", "2029-08-21T02:46:46.000Z"),
        ("2029-08-21T02:46", "2029-08-21T02:46:00.000Z"),
        ("2029-08-21T02:46:46.5Z", "2029-08-21T02:46:46.500Z"),
        ("2029-08-21T02:46:46,5Z", "2029-08-21T02:46:46.500Z"),
        ("2029-08-21T02:46:46.1239999Z", "2029-08-21T02:46:46.123Z"),
        ("2029-08-21T02:46:46+05:30", "2029-08-20T21:16:46.000Z"),
        ("2029-08-21T02:46:46+0530", "2029-08-20T21:16:46.000Z"),
        ("2029-08-21T02:46:46-08", "2029-08-21T10:46:46.000Z"),
        ("2029-08-21T02:46:46-00:00", "2029-08-21T02:46:46.000Z"),
        ("20290821T024646Z", "2029-08-21T02:46:46.000Z"),
        ("2028-02-29", "2028-02-29T00:00:00.000Z"),
        ("2029-04-07 12:18:00 UTC", "2029-04-07T12:18:00.000Z"),
        ("2029-04-07 12:18:00 GMT", "2029-04-07T12:18:00.000Z"),
        ("2029-04-07 12:18:00 Z", "2029-04-07T12:18:00.000Z"),
        ("2029-04-07T12:18:00.5 UTC", "2029-04-07T12:18:00.500Z"),
        ("2029-04-07 UTC", "2029-04-07T00:00:00.000Z"),
        ("2029-04-07 GMT", "2029-04-07T00:00:00.000Z"),
        ("2029-04-07 Z", "2029-04-07T00:00:00.000Z"),
    ],
)
def test_iso_8601_and_the_two_forms_with_blanks_are_read(text: str, same: str) -> None:
    ms = parse_timestamp(text)

    assert ms is not None
    assert format_timestamp(ms) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gold",
        "20290821",
        "2029",
        "2029-08",
        "2029-8-21",
        "2029-W34-2",
        "2029-233",
        "2029-02-29",
        "2029-13-01",
        "2029-08-21T24:00:00Z",
        "2029-08-21T02:60:00Z",
        "2029-08-21T02:46:60Z",
        "2029-08-21T02",
        "2029-08-21Z",
        "2029-08-21 +00:00",
        "2029-08-21T02:46:46+24:00",
        "2029-08-21T02:46:46+05:60",
        "2029-08-21T02:46:46UTC",
        "2029-08-21T02:46:46 utc",
        "2029-08-21T02:46:46  UTC",
        "2029-08-21T02:46:46 CET",
        "2029-08-21T02:46:46 +00:00 UTC",
        "2029-08-21 UTC+1",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0000-00-00 00:00:00 UTC",
        "2029-08-21T02:46:46Z ",
        " 2029-08-21",
        "2029-08-21\n",
        "\uff12\uff10\uff12\uff19-08-21",
        "+2029-08-21",
        "12029-08-21",
    ],
)
def test_what_is_no_timestamp_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    "text", ["0000-01-01", "0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00"]
)
def test_a_time_that_is_outside_the_years_1_to_9999_in_utc_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


@settings(deadline=None)
@given(ms=TIMESTAMPS)
def test_every_timestamp_is_read_as_it_was_written(ms: int) -> None:
    assert parse_timestamp(format_timestamp(ms)) == ms


@settings(deadline=None)
@given(early=TIMESTAMPS, late=TIMESTAMPS)
def test_written_timestamps_sort_as_the_times_do(early: int, late: int) -> None:
    assert (format_timestamp(early) < format_timestamp(late)) == (early < late)


@settings(deadline=None)
@given(text=st.text() | st.text("0123456789-+:.,TZ ", max_size=40))
def test_any_text_is_read_or_none(text: str) -> None:
    ms = parse_timestamp(text)

    assert ms is None or FIRST_TIMESTAMP <= ms <= LAST_TIMESTAMP


STORED_CHARACTERS = st.sampled_from("0123456789-+T:.,Z w٣")


@given(TIMESTAMPS, st.lists(st.tuples(st.integers(0, 23), STORED_CHARACTERS), max_size=3))
def test_a_text_counts_as_stored_where_it_is_written_as_it_stands(
    ms: int, changes: list[tuple[int, str]]
) -> None:
    characters = list(format_timestamp(ms))
    for place, character in changes:
        characters[place] = character
    text = "".join(characters)
    parsed = parse_timestamp(text)
    written = parsed is not None and format_timestamp(parsed) == text
    assert parse_stored_timestamp(text) == (parsed if written else None)
