"""Searches for the members of companies, and counts of them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.commands.company_filters import CompanyFilters
from api.commands.searching import count_indexed
from projections.companies.fold import Companies
from projections.search.searches import Searches
from schemas.events import CompanyDeleted, encode
from schemas.search.conditions import (
    EVERYBODY,
    AllOf,
    AnyOf,
    Condition,
    Exists,
    Happened,
    Not,
    OneOf,
)
from schemas.search.request import parse_count
from tests.support.brute_force import Known, found
from tests.support.company_documents import ACME, AJAX, APEX, stored
from tests.support.folding import (
    ACCOUNT,
    AT,
    Profiles,
    folded_companies,
    key,
)
from tests.support.search_inputs import NOW, are_affordable, companies, company_filters
from tests.support.searching import complete_index

GOLD = OneOf(("company", "plan"), ("gold",))


def on_profiles(companies: Companies, condition: Condition) -> Condition:
    return asyncio.run(CompanyFilters(companies, tuple).on_profiles(ACCOUNT, condition))


def test_members_are_named_by_their_companies() -> None:
    plans = {ACME: "gold", AJAX: "free", APEX: "free"}
    log = folded_companies(
        ACCOUNT, [{"id": id_, "uid": id_, "plan": plan} for id_, plan in plans.items()]
    )
    in_acme = OneOf(("company_id",), (ACME,))
    admin, acme = Exists(("role",)), OneOf(("company", "uid"), (ACME,))

    assert on_profiles(log, GOLD) == on_profiles(log, AllOf((GOLD, acme))) == in_acme
    assert on_profiles(log, Not(GOLD)) == Not(in_acme)
    assert on_profiles(log, AllOf((GOLD, admin, acme))) == AllOf((admin, in_acme))
    assert on_profiles(log, AnyOf((Not(GOLD), admin, Not(acme)))) == AnyOf((admin, Not(in_acme)))
    assert on_profiles(log, Not(AnyOf((admin, Exists(("company",)))))) == Not(
        AnyOf((admin, Exists(("company_id",))))
    )


def test_who_is_still_to_leave_a_deleted_company_is_counted_with_those_who_have_none() -> None:
    log = folded_companies(
        ACCOUNT, [{"id": id_, "uid": id_, "plan": "gold"} for id_ in (ACME, AJAX)]
    )
    profiles = Profiles()
    for uid, company in enumerate((ACME, ACME, AJAX)):
        profiles.create(uid, company_id=company)
    log.apply(key(9), encode(CompanyDeleted(account=ACCOUNT, at=AT, id=ACME, deletion="d" * 24)))
    filters = CompanyFilters(log, lambda: [profiles.state])

    assert asyncio.run(filters.count_members(ACCOUNT, GOLD)) == (1, False)
    assert asyncio.run(filters.count_members(ACCOUNT, Not(GOLD))) == (2, True)


def test_nobody_is_a_member_of_what_is_not_there() -> None:
    log = folded_companies(ACCOUNT, [])

    assert on_profiles(log, GOLD) == OneOf(("company_id",), ())
    assert on_profiles(
        log,
        parse_count(
            {"filters": [{"kind": "property", "prop": "company", "op": "eq", "value": "acme"}]}, NOW
        ),
    ) == AllOf((AnyOf(()),))


# --- how many


MEMBERS = (ACME, ACME, AJAX, AJAX, AJAX, None, None)


@given(
    st.lists(company_filters, min_size=1, max_size=3).filter(are_affordable),
    st.sampled_from(["and", "or"]),
    companies,
    companies,
)
def test_members_are_counted_as_filters_say(
    filters: list[dict[str, Any]], op: str, acme: dict[str, Any], ajax: dict[str, Any]
) -> None:
    known: dict[str | None, dict[str, Any]] = {
        ACME: stored({**acme, "id": ACME}),
        AJAX: stored({**ajax, "id": AJAX}),
    }
    profiles = Profiles()
    for uid, company in enumerate(MEMBERS):
        profiles.create(uid, company_id=company)

    counted = asyncio.run(
        CompanyFilters(
            folded_companies(ACCOUNT, known.values()), lambda: [profiles.state]
        ).count_members(ACCOUNT, parse_count({"filters": filters, "filters_op": op}, NOW))
    )

    assert counted is not None
    members, and_nonmembers = counted
    assert members + and_nonmembers * MEMBERS.count(None) == sum(
        found(filters, Known({}, known.get(company)), NOW, op) for company in MEMBERS
    )


def test_a_count_of_others_is_right_before_their_companies_members_are_indexed(
    tmp_path: Path,
) -> None:
    plans = {ACME: "gold", AJAX: "free"}
    log = folded_companies(
        ACCOUNT, [{"id": id_, "uid": id_, "plan": plan} for id_, plan in plans.items()]
    )
    profiles = Profiles()
    for uid, company in enumerate((ACME, ACME, ACME, AJAX)):
        profiles.create(uid, company_id=company)
    filters = CompanyFilters(log, lambda: [profiles.state])

    async def scenario() -> list[int]:
        searches = Searches(complete_index(tmp_path))
        conditions = (GOLD, Not(GOLD), AllOf((Not(GOLD), Exists(("role",)))))
        counts = [await count_indexed(searches, filters, ACCOUNT, each) for each in conditions]
        searches.close()
        return counts

    assert asyncio.run(scenario()) == [3, 1, 0]


@pytest.mark.parametrize(
    "condition",
    [
        EVERYBODY,
        Exists(("company",)),
        AllOf((GOLD, Exists(("role",)))),
        AnyOf((GOLD, Happened("signed_in"))),
    ],
)
def test_what_asks_of_others_than_companies_is_not_counted_by_members(condition: Condition) -> None:
    filters = CompanyFilters(folded_companies(ACCOUNT, []), tuple)

    assert asyncio.run(filters.count_members(ACCOUNT, condition)) is None
