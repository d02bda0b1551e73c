"""`schemas.browser`: what the fields of contract §5 may hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.profile import CLEARED
from schemas.browser import BROWSERS, KINDS, check_browser_fields
from schemas.errors import InvalidValue

GOOD: dict[str, st.SearchStrategy[Any]] = {
    "browser_x": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "browser_tz": st.integers(-12, 14) | st.floats(-12, 14),
    "browser_l": st.text(),
    "browser_n": st.sampled_from(BROWSERS),
    "browser_k": st.sampled_from(KINDS),
    "last_seen_at": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "last_seen_session_count": st.integers(0),
    "delivery_ids": st.lists(st.text("0123456789abcdef", min_size=24, max_size=24)),
}
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def test_every_field_that_a_clear_resets_is_checked() -> None:
    assert GOOD.keys() == set(CLEARED)
    for name in CLEARED:
        with pytest.raises(InvalidValue):
            check_browser_fields({name: {"a": "hash"}})


@given(st.fixed_dictionaries({}, optional={name: st.none() | of for name, of in GOOD.items()}))
def test_what_they_may_hold_passes(properties: dict[str, Any]) -> None:
    check_browser_fields(properties)


@given(st.sampled_from([*GOOD]), _json)
def test_whatever_else_is_refused_by_name_and_never_by_value(name: str, value: object) -> None:
    try:
        check_browser_fields({name: value})
    except InvalidValue as refused:
        said = str(refused)
    else:
        return
    assert said == f"{name} {said.partition(' ')[2]}"
    assert said.endswith("or null")


def test_what_is_no_browser_field_is_not_looked_at() -> None:
    check_browser_fields({"plan": object(), "browser": "netscape"})
