"""Equal JSON values have one spelling (`schemas.canonical`)."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.canonical import canonical_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same value with the names of its hashes in another order."""
    if isinstance(value, dict):
        members = [(name, shuffled(member, order)) for name, member in value.items()]
        order.shuffle(members)
        return dict(members)
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@settings(deadline=None)
@given(value=VALUES, order=st.randoms(use_true_random=False))
def test_the_order_of_names_does_not_count(value: Any, order: random.Random) -> None:
    assert canonical_json(shuffled(value, order)) == canonical_json(value)


@settings(deadline=None)
@given(one=VALUES, other=VALUES)
def test_other_values_have_another_spelling(one: Any, other: Any) -> None:
    if canonical_json(one) == canonical_json(other):
        assert one == other  # 100 and 100.0 are, and Python says so


@settings(deadline=None)
@given(value=VALUES)
def test_a_whole_number_has_one_spelling(value: Any) -> None:
    assert canonical_json(_with_floats(value)) == canonical_json(value)


def _with_floats(value: Any) -> Any:
    """The same value with its integers as floats, where these say the same."""
    if type(value) is int and float(value) == value:
        return float(value)
    if isinstance(value, dict):
        return {name: _with_floats(member) for name, member in value.items()}
    return [_with_floats(item) for item in value] if isinstance(value, list) else value


def test_what_is_deeper_than_a_write_may_be_needs_no_deep_stack() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert canonical_json({"a": deep}) == canonical_json({"a": [deep]})
