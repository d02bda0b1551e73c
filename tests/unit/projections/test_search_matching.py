"""What a company's document meets (contract §6)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.search.matching import holds, meets
from schemas.errors import Unprocessable
from schemas.normalization import normalize
from schemas.search.conditions import Compares, Comparison, Contains, IsNull, OneOf, OnProperty
from schemas.search.request import parse_company_filters
from tests.support.brute_force import Known, found
from tests.support.search_inputs import NOW, are_affordable, companies, company_filters

SPELLS_A_TIME = "2029-04-07T12:18:00.000Z"


@pytest.mark.parametrize(
    "condition",
    [
        Compares(("uid",), Comparison.GREATER, "18821"),
        Contains(("uid",), "04-07", ignore_case=False),
        OneOf(("uid",), (SPELLS_A_TIME,)),
    ],
)
def test_a_uid_is_a_text_whatever_it_spells(condition: OnProperty) -> None:
    assert holds(condition, {"id": "0" * 24, "uid": SPELLS_A_TIME})


@pytest.mark.parametrize("email", ["12", "true", SPELLS_A_TIME])
def test_an_email_is_found_by_what_was_sent(email: str) -> None:
    by_email = {"kind": "property", "prop": "email", "op": "eq", "value": email}
    condition = parse_company_filters({"filters": [by_email]}, NOW)

    assert meets(condition, {"id": "0" * 24, "uid": "acme", "email": email})


def test_an_email_that_is_null_is_no_text() -> None:
    document = {"id": "0" * 24, "uid": "acme", "email": None}

    assert holds(IsNull(("email",)), document)
    assert not holds(Contains(("email",), "None", ignore_case=False), document)


def without_prefix(filter_: dict[str, Any]) -> dict[str, Any]:
    """A filter of profiles that reaches into their company, as one of a list of companies."""
    if filter_["kind"] == "group":
        return {**filter_, "filters": [without_prefix(inner) for inner in filter_["filters"]]}
    return {**filter_, "prop": filter_["prop"].removeprefix("company.")}


@given(
    st.lists(company_filters, max_size=3).filter(are_affordable),
    st.sampled_from(["and", "or"]),
    companies,
)
def test_a_list_of_companies_finds_those_whose_members_a_search_finds(
    filters: list[dict[str, Any]], op: str, sent: dict[str, Any]
) -> None:
    properties = {name: sent[name] for name in sent if name not in ("id", "uid")}
    document = {
        "id": sent["id"],
        "uid": sent["uid"],
        **normalize(properties, NOW).properties,
    }
    own = {"filters": [without_prefix(filter_) for filter_ in filters], "filters_op": op}

    condition = parse_company_filters(own, NOW)

    assert meets(condition, document) == found(filters, Known({}, document), NOW, op)


@pytest.mark.parametrize(
    ("filter_", "place"),
    [
        ({"kind": "event", "prop": "signed_in", "op": "ex"}, "filters[0].kind"),
        (
            {
                "kind": "group",
                "filters": [{"kind": "event", "prop": "signed_in", "op": "ex"}],
            },
            "filters[0].filters[0].kind",
        ),
        ({"kind": "property", "prop": "", "op": "ex"}, "filters[0].prop"),
        ({"kind": "property", "prop": "a.b.c.d.e", "op": "ex"}, "filters[0].prop"),
        ({"kind": "property", "prop": "plan", "op": "gt"}, "filters[0].value"),
    ],
)
def test_a_filter_that_says_nothing_of_a_company_is_refused_with_its_place(
    filter_: dict[str, Any], place: str
) -> None:
    with pytest.raises(Unprocessable, match=rf"^{re.escape(place)}: send "):
        parse_company_filters({"filters": [filter_]}, NOW)
