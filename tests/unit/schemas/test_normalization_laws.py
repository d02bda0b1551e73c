"""What holds of normalization whatever is sent (contract §9)."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import InvalidValue
from schemas.normalization import Value, check_text, normalize
from schemas.property_names import IDENTIFIERS
from schemas.timestamps import LAST_TIMESTAMP, parse_timestamp
from tests.support.normalizing import NOW, exactly

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
