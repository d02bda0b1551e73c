"""Whatever a hook accepts can be folded: no record that it appends stops its partition (contract §15)."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.commands.drafting import Draft, draft, draft_event
from projections.companies.fold import Companies
from schemas.errors import Unprocessable
from schemas.events import CompanyUpserted, EventTracked, ProfileCleared, ProfileUpserted, encode
from streams.clock import FIRST, LAST
from tests.support.folding import ACCOUNT, IDENTITY, Profiles, key

COMPANY: Final = "c" * 24

_NAMES: Final = st.sampled_from(
    [
        "uid",
        "email",
        "company_uid",
        "percent",
        "browser_x",
        "delivery_ids",
        "at",
        "paid_at",
        "x",
        "a.b",
    ]
) | st.text(max_size=8)
_TEXTS: Final = st.text(max_size=20) | st.sampled_from(
    [
        "$now",
        "$unset",
        "+99999999999d",
        "-3999999d",
        "0001-01-01",
        "9999-12-31T23:59:59+14:00",
        "1e308",
        "-0.0",
    ]
)
_SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**17, 10**22)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
)
_VALUES: Final = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4)
)
SENT: Final = st.dictionaries(_NAMES, _VALUES, max_size=6)
TIMES: Final = st.integers(FIRST, LAST - 1)


def accepted(kind: Any, sent: dict[str, Any], at: int) -> Draft | None:
    """What a hook makes of a body; None when it answers 422."""
    try:
        return kind(msgspec.json.decode(msgspec.json.encode(sent)), at)
    except Unprocessable:
        return None


@given(SENT, SENT, TIMES)
@settings(max_examples=150, deadline=None)
def test_upserts_and_tracked_events_fold(
    sent: dict[str, Any], more: dict[str, Any], at: int
) -> None:
    profiles = Profiles()
    id_ = profiles.create("ada", email="ada@example.org")
    for body in (sent, more):
        write, event = accepted(draft, body, at), accepted(draft_event, body | {"name": "n"}, at)
        for uid, target in ((write.uid if write else None, None), (None, id_)):
            if write is not None and (uid is not None or target is not None):
                company = {} if write.company is None else {"company_id": COMPANY}
                profiles.put(
                    ProfileUpserted(
                        account=ACCOUNT,
                        at=at,
                        uid=uid,
                        id=target,
                        properties=write.properties | company,
                        unset=write.unset,
                    )
                )
        if event is not None:
            profiles.put(
                EventTracked(
                    account=ACCOUNT, at=at, name=event.name, id=id_, properties=event.properties
                )
            )
    profiles.put(ProfileCleared(account=ACCOUNT, at=at, id=id_))


@given(SENT, TIMES)
@settings(max_examples=100, deadline=None)
def test_companies_fold(sent: dict[str, Any], at: int) -> None:
    companies = Companies(IDENTITY)
    write = accepted(draft, sent, at)
    if write is None:
        return
    for number in range(2):
        event = CompanyUpserted(
            account=ACCOUNT,
            at=at,
            id=COMPANY,
            uid="acme",
            properties=write.properties,
            unset=write.unset,
        )
        assert companies.apply(key(number), encode(event)) is not None


@pytest.mark.parametrize("at", [FIRST, LAST - 1])
def test_the_first_and_the_last_time_of_an_event_fold(at: int) -> None:
    profiles = Profiles()
    event = ProfileUpserted(account=ACCOUNT, at=at, uid="ada")

    assert profiles.put(event).outcome == "created"
    assert profiles.put(event).outcome == "updated"
