"""What is refused before it is normalized (contract §9)."""

from typing import Any

import pytest

from schemas.errors import InvalidValue
from schemas.normalization import check_text, normalize
from tests.support.normalizing import NOW, stored

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
