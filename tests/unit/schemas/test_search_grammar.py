"""Filters as they are sent: what they mean, and what a bad one is told (contract §6, §11)."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Unprocessable
from schemas.search.conditions import (
    AllOf,
    AnyOf,
    Compares,
    Comparison,
    Condition,
    Contains,
    Exists,
    Happened,
    HappenedLast,
    HappenedOften,
    HasItem,
    IsNull,
    Moment,
    Not,
    OneOf,
)
from schemas.search.grammar import MAX_DEPTH, MAX_FILTERS
from schemas.search.meaning import MAX_SUBSTRINGS, MAX_VALUES
from schemas.search.operators import MAX_SUBSTRING
from schemas.search.request import parse_count
from schemas.timestamps import FIRST_TIMESTAMP, MILLISECONDS_PER_DAY

NOW = 1_870_258_680_000
NOTHING = object()


def on(prop: str, op: str, value: object = NOTHING, kind: str = "property") -> dict[str, Any]:
    filter_: dict[str, Any] = {"kind": kind, "prop": prop, "op": op}
    return filter_ if value is NOTHING else {**filter_, "value": value}


def group(*filters: object, op: str = "and") -> dict[str, Any]:
    return {"kind": "group", "filters_op": op, "filters": list(filters)}


def meaning(*filters: object) -> Condition:
    """The condition of one filter, or of all."""
    condition = parse_count({"filters": list(filters)}, NOW)
    assert isinstance(condition, AllOf)
    return condition.conditions[0] if len(filters) == 1 else condition


def refusal(*filters: object) -> list[str]:
    with pytest.raises(Unprocessable) as refused:
        parse_count({"filters": list(filters)}, NOW)
    return refused.value.messages


# --- meaning

PLAN = ("plan",)


@pytest.mark.parametrize(
    ("filter_", "condition"),
    [
        (on("plan", "ex"), Exists(PLAN)),
        (on("plan", "nx"), Not(Exists(PLAN))),
        (on("plan", "eq", "gold"), OneOf(PLAN, ("gold",))),
        (on("plan", "ne", "gold"), Not(OneOf(PLAN, ("gold",)))),
        (on("plan", "eq", None), IsNull(PLAN)),
        (on("plan", "ne", None), Not(IsNull(PLAN))),
        (on("age", "gt", 5), Compares(("age",), Comparison.GREATER, 5)),
        (on("age", "gte", 5), Compares(("age",), Comparison.GREATER_OR_EQUAL, 5)),
        (on("age", "lt", 5), Compares(("age",), Comparison.LESS, 5)),
        (on("age", "lte", 5), Compares(("age",), Comparison.LESS_OR_EQUAL, 5)),
        (on("plan", "in", "12"), Contains(PLAN, "12", ignore_case=False)),
        (on("plan", "nin-i", "G"), Not(Contains(PLAN, "G", ignore_case=True))),
        (on("plan", "in-v", " a, 12 ,,true"), OneOf(PLAN, ("a", 12, True))),
        (on("plan", "in-v", "1,true"), OneOf(PLAN, (1, True))),
        (on("plan", "nin-v", "a"), Not(OneOf(PLAN, ("a",)))),
        (on("tags", "in-a", "12"), HasItem(("tags",), 12)),
        (on("tags", "nin-a", True), Not(HasItem(("tags",), True))),
    ],
)
def test_each_op(filter_: dict[str, Any], condition: Condition) -> None:
    assert meaning(filter_) == condition


@pytest.mark.parametrize(
    ("prop", "sent", "stored"),
    [
        ("plan", "12", 12),
        ("plan", "12.50", 12.5),
        ("plan", "true", True),
        ("plan", "+33", "+33"),
        ("plan", 2**53 + 1, 2**53 + 1),
        ("plan", "2029-04-07", Moment(1_870_214_400_000)),
        ("plan", "$now", Moment(NOW)),
        ("plan", "-7d", Moment(NOW - 7 * MILLISECONDS_PER_DAY)),
        ("plan", 1_870_258_680, 1_870_258_680),
        ("seen_at", 1_870_258_680, Moment(NOW)),
        ("created_at", "1870258680", Moment(NOW)),
        ("plan", "é" * 400, "é" * 384),
        ("uid", 18_821, "18821"),
        ("uid", "true", "true"),
        ("email", " Ada@X.io ", "ada@x.io"),
        ("company_id", "12", "12"),
        ("company.uid", 12, "12"),
        ("company.email", "12", "12"),
    ],
)
def test_values_are_normalized_like_stored_ones(prop: str, sent: object, stored: Any) -> None:
    assert meaning(on(prop, "eq", sent)) == OneOf(tuple(prop.split(".")), (stored,))


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("007", 7),
        ("9007199254740993", 2**53 + 1),
        ("-9007199254740993", -(2**53) - 1),
        ("18446744073709551617", 2**64 + 1),
        ("0.30000000000000004", 0.1 + 0.2),
        ("9" * 768, 10**768 - 1),
    ],
)
def test_a_text_that_spells_a_number_means_both(sent: str, number: float) -> None:
    is_number = AnyOf(
        (
            Compares(PLAN, Comparison.GREATER_OR_EQUAL, 0),
            Compares(PLAN, Comparison.LESS, 0),
        )
    )
    as_text = AllOf((Compares(PLAN, Comparison.LESS, sent), Not(is_number)))

    assert meaning(on("plan", "eq", sent)) == OneOf(PLAN, (sent, number))
    assert meaning(on("plan", "nin-v", f"{sent}, x")) == Not(OneOf(PLAN, (sent, number, "x")))
    assert meaning(on("plan", "in-a", sent)) == AnyOf((HasItem(PLAN, sent), HasItem(PLAN, number)))
    assert meaning(on("plan", "lt", sent)) == AnyOf(
        (Compares(PLAN, Comparison.LESS, number), as_text)
    )
    assert meaning(on("uid", "eq", sent)) == OneOf(("uid",), (sent,))


@pytest.mark.parametrize("sent", ["1e400", "+9007199254740993", "9007199254740993x", "9 1", "٣"])
def test_any_other_text_means_itself_alone(sent: str) -> None:
    assert meaning(on("plan", "eq", sent)) == OneOf(PLAN, (sent,))


def test_more_digits_than_are_stored_are_cut_off() -> None:
    assert meaning(on("plan", "eq", "1" * 5000)) == OneOf(PLAN, ("1" * 768, int("1" * 768)))
    assert meaning(on("plan", "gt", int("1" * 4000))) == meaning(on("plan", "gt", "1" * 768))


def test_times_and_days_may_have_many_digits() -> None:
    many = "12345678901234567"

    assert meaning(on("seen", "eq", many, kind="event"))
    assert meaning(on("seen_at", "lt-d", many)) == meaning(on("seen_at", "lt-d", int(many)))


def test_a_filter_carries_what_a_saved_segment_does() -> None:
    carried = {
        "id": "5f3c4232c712de665632a6d8",
        "created_at": "2029-04-07",
        "mod": None,
        "int": None,
    }
    plan = on("plan", "eq", "gold")

    assert meaning({**plan, **carried}) == meaning(plan)
    assert meaning({**on("plan", "eq", None), **carried}) == IsNull(PLAN)
    assert meaning({**group(plan), **carried, "value": None, "prop": None}) == meaning(group(plan))
    assert meaning({**group(plan, plan), "filters_op": None}) == meaning(group(plan, plan))
    assert parse_count({"filters": [plan], "filters_op": None}, NOW) == AllOf((meaning(plan),))
    assert refusal({**plan, "mod": "gte"}) == [
        "filters[0]: send nothing but kind and prop and op and value"
    ]
    assert refusal({**plan, "op": None}) == ["filters[0].op: missing"]


def test_names_are_normalized_and_dots_reach_into_hashes() -> None:
    assert meaning(on("Home Address.cityName", "ex")) == Exists(("home_address", "city_name"))


def test_days_count_back_from_now() -> None:
    three_days = Moment(NOW - 3 * MILLISECONDS_PER_DAY)
    assert meaning(on("at", "gt-d", "3")) == Compares(("at",), Comparison.GREATER, three_days)
    assert meaning(on("at", "lt-d", 3)) == Compares(("at",), Comparison.LESS, three_days)
    far = Moment(FIRST_TIMESTAMP - 1)
    assert meaning(on("at", "lt-d", 1e300)) == Compares(("at",), Comparison.LESS, far)


def test_groups_are_joined_by_their_op() -> None:
    a, b = on("a", "ex"), on("b", "ex")
    both = (Exists(("a",)), Exists(("b",)))

    assert meaning(group(a, b, op="or")) == AnyOf(both)
    assert meaning({"kind": "group", "filters": [a, b]}) == AllOf(both)
    assert parse_count({"filters": [a, b], "filters_op": "or"}, NOW) == AnyOf(both)


@pytest.mark.parametrize("op", ["and", "or"])
def test_no_filters_find_everybody(op: str) -> None:
    assert parse_count({"filters_op": op}, NOW) == AllOf(())
    assert parse_count({"filters": [], "filters_op": op}, NOW) == AllOf(())


def test_events_are_counted_and_dated() -> None:
    name = "imported_leads"

    def event(op: str, value: object = NOTHING) -> Condition:
        return meaning(on("Imported Leads", op, value, kind="event"))

    often = HappenedOften(name, Comparison.GREATER, 3)
    assert event("gt", 3) == event("gt", "3") == often
    assert event("lt", 3) == AnyOf(
        (HappenedOften(name, Comparison.LESS, 3), Not(Happened(name)))
    )  # which is 0 times
    assert event("nx") == Not(Happened(name))
    week = Moment(NOW - 7 * MILLISECONDS_PER_DAY)
    assert event("gt-d", 7) == HappenedLast(name, Comparison.GREATER, week)


# --- refusals

GOOD = on("plan", "ex")
SECRET = "erika@x.io"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([on("plan", "eq")], "filters[0].value: send a value for this op"),
        ([GOOD, on("plan", "=", 1)], "filters[1].op: send 'ex', 'nx', 'eq', 'ne', 'gt', 'gte'"),
        ([on("plan", "ex", kind=SECRET)], "filters[0].kind: send 'property', 'event'"),
        ([{"prop": "plan", "op": "ex"}], "filters[0].kind: send 'property', 'event' or 'group'"),
        ([{"kind": "property", "op": "ex"}], "filters[0].prop: missing"),
        ([on("", "ex")], "filters[0].prop: send a name"),
        ([on("a..b", "ex")], "filters[0].prop: send a name"),
        ([on("a.b.c.d.e.f", "ex")], "filters[0].prop: send a name"),
        ([{**GOOD, "prop": 5}], "filters[0].prop: send a string"),
        ([{**GOOD, SECRET: 5}], "filters[0]: send nothing but kind and prop and op and value"),
        ([GOOD, GOOD, group(on("x", SECRET))], "filters[2].filters[0].op: send 'ex'"),
        ([group(group(on("x", "gt", True)))], "filters[0].filters[0].filters[0].value: send a num"),
        ([group()], "filters[0].filters: send at least one filter"),
        ([{"kind": "group", "filters": SECRET}], "filters[0].filters: send an array of filters"),
        ([group(GOOD, op="xor")], "filters[0].filters_op: send 'and' or 'or'"),
        ([SECRET], "filters[0]: send a filter, which is an object"),
        ([[GOOD]], "filters[0]: send a filter, which is an object"),
        ([on("n", "gt", None)], "filters[0].value: send a number, a string or a timestamp"),
        ([on("n", "eq", [SECRET])], "filters[0].value: send a string, a number or a boolean"),
        ([on("n", "eq", {"a": SECRET})], "filters[0].value: send a string, a number or a boolean"),
        ([on("n", "eq", "a\x00" + SECRET)], "filters[0].value: holds a control character"),
        ([on("uid", "eq", 1.5)], "filters[0].value: send a string or a whole number"),
        ([on("uid", "eq", 10**4000)], "filters[0].value: send at most 768 digits"),
        ([on("n", "gt-d", SECRET)], "filters[0].value: send a number of days"),
        ([on("n", "gt-d", True)], "filters[0].value: send a number of days"),
        ([on("n", "in", 5)], "filters[0].value: send a string to look for"),
        ([on("n", "in", "x" * 65)], "filters[0].value: send at most 64 characters"),
        ([on("email", "in", "\u0344" * 33)], "filters[0].value: send at most 64 characters"),
        ([on("n", "in-v", ["a"])], "filters[0].value: send a string of values with commas"),
        ([on("n", "in-v", " , ")], "filters[0].value: send at least one value"),
        ([on("n", "in-a", None)], "filters[0].value: send a string, a number or a boolean"),
        ([on("n", "in", "a", kind="event")], "filters[0].op: send 'ex', 'nx', 'eq'"),
        ([on("n", "gt", SECRET, kind="event")], "filters[0].value: send a number of times"),
        ([on("!", "ex", kind="event")], "filters[0].prop: send the name of an event"),
    ],
)
def test_a_bad_filter_is_told_its_place_and_what_to_send(filters: list[Any], message: str) -> None:
    messages = refusal(*filters)
    assert messages[0].startswith(message)
    assert SECRET not in str(messages)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"filters": None}, "filters: send an array of filters"),
        ({"filters": {"0": GOOD}}, "filters: send an array of filters"),
        ({"filters_op": "xor"}, "filters_op: send 'and' or 'or'"),
    ],
)
def test_filters_of_another_shape(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse_count(parameters, NOW)
    assert refused.value.messages == [message]


def test_each_bad_filter_is_told() -> None:
    assert [message.partition(":")[0] for message in refusal(on("a", "="), {}, GOOD, 5)] == [
        "filters[0].op",
        "filters[1].kind",
        "filters[3]",
    ]


def nested(depth: int) -> dict[str, Any]:
    """A filter so many levels deep."""
    filter_ = GOOD
    for _ in range(depth - 1):
        filter_ = group(filter_)
    return filter_


def test_levels_are_limited() -> None:
    assert meaning(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 50, 100_000):
        assert refusal(nested(depth)) == [f"filters: send groups at most {MAX_DEPTH} levels deep"]


def test_the_number_of_filters_is_limited() -> None:
    assert meaning(*[GOOD] * MAX_FILTERS)
    too_many = [f"filters: send at most {MAX_FILTERS} in all, groups counted too"]
    assert refusal(*[GOOD] * (MAX_FILTERS + 1)) == too_many
    assert refusal(*[GOOD] * 1000) == too_many
    assert refusal(group(*[GOOD] * (MAX_FILTERS - 1)), GOOD) == too_many


def test_the_number_of_values_is_limited() -> None:
    half = on("plan", "in-v", ",".join(map(str, range(MAX_VALUES // 2))))
    assert meaning(half, group(half))
    too_many = [f"filters: send at most {MAX_VALUES} values in in-v and nin-v"]
    assert refusal(half, group({**half, "op": "nin-v"}), on("plan", "in-v", "a")) == too_many


def test_the_number_of_substrings_is_limited() -> None:
    substrings = [on("plan", "in", "a"), on("plan", "nin-i", "a")] * MAX_SUBSTRINGS
    assert meaning(*substrings[:MAX_SUBSTRINGS])
    too_many = [f"filters: send at most {MAX_SUBSTRINGS} that look for a substring"]
    assert refusal(group(*substrings[: MAX_SUBSTRINGS + 1])) == too_many


def test_the_longest_substring_is_taken() -> None:
    assert meaning(on("plan", "in", "x" * MAX_SUBSTRING))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
    | st.sampled_from(["property", "group", "event", "eq", "in-v", "gt-d", "uid", "email"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["kind", "prop", "op", "value", "filters", "filters_op", "x"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
def test_any_json_is_understood_or_refused(sent: object) -> None:
    with suppress(Unprocessable):
        parse_count({"filters": sent}, NOW)
