"""Filters on companies: which of them are found, and whose members (contract §6, §10)."""

import asyncio
import itertools
import re
from collections.abc import Set
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from api.commands.company_filters import CompanyFilters
from api.limits.turns import MAX_WAITING
from projections.companies.columns import Column, Columns
from projections.companies.fold import Companies
from schemas.errors import Unavailable, Unprocessable
from schemas.events import CompanyDeleted, encode
from schemas.search.conditions import (
    Compares,
    Comparison,
    Condition,
    Contains,
    Exists,
    HasItem,
    IsNull,
    OneOf,
)
from schemas.search.request import parse_company_filters
from tests.support.brute_force import Known, found
from tests.support.company_documents import ACME, AJAX, APEX, stored
from tests.support.folding import (
    ACCOUNT,
    AT,
    IDENTITY,
    company_upserted,
    folded_companies,
    key,
)
from tests.support.search_inputs import NOW, are_affordable, companies, company_filters

SPELLS_A_TIME = "2029-04-07T12:18:00.000Z"


def meeting(documents: list[dict[str, Any]], condition: Condition) -> Set[str]:
    filters = CompanyFilters(folded_companies(ACCOUNT, documents), tuple)
    return asyncio.run(filters.meeting(ACCOUNT, condition))


def column_of(log: Companies, path: tuple[str, ...]) -> Column:
    """What the column of a property should be."""
    column = Column(path)
    for company in log.newest(ACCOUNT, None, None):
        column.add(company.id, company.document())
    return column


def without_prefix(filter_: dict[str, Any]) -> dict[str, Any]:
    """A filter of profiles that reaches into their company, as one of a list of companies."""
    if filter_["kind"] == "group":
        return {**filter_, "filters": [without_prefix(inner) for inner in filter_["filters"]]}
    return {**filter_, "prop": filter_["prop"].removeprefix("company.")}


def of_companies(filters: list[dict[str, Any]], op: str) -> Condition:
    own = [without_prefix(filter_) for filter_ in filters]
    return parse_company_filters({"filters": own, "filters_op": op}, NOW)


# --- one company


@pytest.mark.parametrize(
    "condition",
    [
        Compares(("uid",), Comparison.GREATER, "18821"),
        Contains(("uid",), "04-07", ignore_case=False),
        OneOf(("uid",), (SPELLS_A_TIME,)),
    ],
)
def test_a_uid_is_a_text_whatever_it_spells(condition: Condition) -> None:
    assert meeting([{"id": ACME, "uid": SPELLS_A_TIME}], condition) == {ACME}


@pytest.mark.parametrize("email", ["12", "true", SPELLS_A_TIME])
def test_an_email_is_found_by_what_was_sent(email: str) -> None:
    by_email = {"kind": "property", "prop": "email", "op": "eq", "value": email}
    condition = parse_company_filters({"filters": [by_email]}, NOW)

    assert meeting([{"id": ACME, "uid": "acme", "email": email}], condition) == {ACME}


def test_an_email_that_is_null_is_no_text() -> None:
    documents = [{"id": ACME, "uid": "acme", "email": None}]

    assert meeting(documents, IsNull(("email",))) == {ACME}
    assert meeting(documents, Contains(("email",), "None", ignore_case=False)) == set()


@pytest.mark.parametrize(
    ("text", "part", "is_in"),
    [
        ("ACME Software", "me s", True),
        ("A\u212a", "k", True),  # the Kelvin sign
        ("ok", "\u212a", True),
        ("Straße", "ẞ", True),
        ("Straße", "ss", False),
        ("Strass", "ß", False),
        ("İ", "i", False),
        ("Straße", "", True),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_the_case_of_each_character_is_ignored_for_itself(
    text: str, part: str, is_in: bool
) -> None:
    condition = Contains(("name",), part, ignore_case=True)

    assert meeting([{"id": ACME, "uid": 1, "name": text}], condition) == (
        {ACME} if is_in else set()
    )


sought = st.lists(company_filters, max_size=3).filter(are_affordable)


@given(sought, st.sampled_from(["and", "or"]), companies)
def test_a_list_of_companies_finds_those_whose_members_a_search_finds(
    filters: list[dict[str, Any]], op: str, sent: dict[str, Any]
) -> None:
    document = stored(sent)

    expected = {document["id"]} if found(filters, Known({}, document), NOW, op) else set[str]()
    assert meeting([document], of_companies(filters, op)) == expected


# --- companies that change


class ChangingCompanies(RuleBasedStateMachine):
    """Whatever becomes of companies after they were asked for, filters find them as they are now."""

    @initialize(max_bytes=st.sampled_from([0, 5 << 20, 128 << 20]))
    def begin(self, max_bytes: int) -> None:
        self.log = Companies(IDENTITY)
        self.log.columns = Columns(max_bytes)
        self.filters = CompanyFilters(self.log, tuple)
        self.keys = map(key, itertools.count())
        self.documents: dict[str, dict[str, Any]] = {}

    @rule(sent=companies)
    def push(self, sent: dict[str, Any]) -> None:
        document = stored(sent)
        verdict = self.log.apply(next(self.keys), encode(company_upserted(ACCOUNT, document)))
        assert verdict is not None
        if verdict.outcome != "spent":
            self.documents[sent["id"]] = {**self.documents.get(sent["id"], {}), **document}

    @rule(id_=st.sampled_from(["0" * 24, "1" * 24]))
    def delete(self, id_: str) -> None:
        event = CompanyDeleted(account=ACCOUNT, at=AT, id=id_, deletion=id_[::-1])
        self.log.apply(next(self.keys), encode(event))
        self.documents.pop(id_, None)

    @rule(filters=sought, op=st.sampled_from(["and", "or"]))
    def ask(self, filters: list[dict[str, Any]], op: str) -> None:
        expected = {
            id_
            for id_, document in self.documents.items()
            if found(filters, Known({}, document), NOW, op)
        }
        condition = of_companies(filters, op)
        assert asyncio.run(self.filters.meeting(ACCOUNT, condition)) == expected

    @invariant()
    def nothing_is_filed_twice(self) -> None:
        for column in self.log.columns.of(ACCOUNT) if hasattr(self, "log") else ():
            assert column.bytes == column_of(self.log, column.path).bytes


TestChangingCompanies = ChangingCompanies.TestCase


def test_a_company_that_changes_while_a_column_is_made_is_filed_as_it_is_then() -> None:
    plans = {ACME: "gold", AJAX: "free", APEX: "gold"}
    log = folded_companies(
        ACCOUNT, [{"id": id_, "uid": id_, "plan": plan} for id_, plan in plans.items()]
    )
    column = log.columns.begin(ACCOUNT, ("plan",))
    places = log.newest(ACCOUNT, None, None)
    first = next(places)
    column.add(first.id, first.document())

    for number, (id_, plan) in enumerate({ACME: "free", AJAX: "gold", APEX: "free"}.items()):
        event = company_upserted(ACCOUNT, {"id": id_, "uid": id_, "plan": plan})
        log.apply(key(10 + number), encode(event))
    for company in places:
        column.add(company.id, company.document())

    assert list(column.meeting(OneOf(("plan",), ("gold",)))) == [{AJAX}]
    assert list(column.meeting(OneOf(("plan",), ("free",)))) == [{ACME, APEX}]
    assert column.bytes == column_of(log, ("plan",)).bytes


@pytest.mark.parametrize(
    ("before", "after", "is_after"),
    [
        (True, 1, OneOf(("seats",), (1,))),
        ([1], [True], HasItem(("seats",), True)),
        (0, False, OneOf(("seats",), (False,))),
        ("1", 1, OneOf(("seats",), (1,))),
    ],
)
def test_a_value_that_becomes_an_equal_one_of_another_kind_is_found_as_that(
    before: object, after: object, is_after: Condition
) -> None:
    log = folded_companies(ACCOUNT, [{"id": ACME, "uid": 1, "seats": before}])
    filters = CompanyFilters(log, tuple)

    assert asyncio.run(filters.meeting(ACCOUNT, is_after)) == set()
    log.apply(key(9), encode(company_upserted(ACCOUNT, {"id": ACME, "uid": 1, "seats": after})))
    assert asyncio.run(filters.meeting(ACCOUNT, is_after)) == {ACME}


def test_a_column_whose_request_is_gone_is_made_anew() -> None:
    log = folded_companies(
        ACCOUNT, [{"id": f"{n:024x}", "uid": n, "plan": "gold"} for n in range(5000)]
    )
    filters = CompanyFilters(log, tuple)

    async def scenario() -> int:
        asked = asyncio.create_task(filters.meeting(ACCOUNT, OneOf(("plan",), ("gold",))))
        for _ in range(2):
            await asyncio.sleep(0)
        (unfinished,) = log.columns.of(ACCOUNT)
        assert unfinished.bytes < column_of(log, ("plan",)).bytes
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()
        return len(await filters.meeting(ACCOUNT, OneOf(("plan",), ("gold",))))

    assert asyncio.run(scenario()) == 5000


def test_what_is_known_is_answered_while_a_column_is_made_and_too_many_wait_for_one() -> None:
    log = folded_companies(
        ACCOUNT, [{"id": f"{n:024x}", "uid": n, "plan": "gold"} for n in range(5000)]
    )
    filters = CompanyFilters(log, tuple)

    async def scenario() -> tuple[int, list[BaseException | int]]:
        await filters.meeting(ACCOUNT, OneOf(("plan",), ("gold",)))

        async def ask(name: str) -> int:
            return len(await filters.meeting(ACCOUNT, Exists((name,))))

        waiting = asyncio.gather(*(ask(f"name_{n}") for n in range(20)), return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)
        known = await ask("plan")
        assert not waiting.done()
        return known, await waiting

    known, waited = asyncio.run(scenario())
    assert known == 5000
    assert [type(each) for each in waited].count(Unavailable) == 20 - MAX_WAITING


def test_what_a_filter_found_stays_as_it_was_found() -> None:
    log = folded_companies(
        ACCOUNT, [{"id": id_, "uid": id_, "plan": "gold"} for id_ in (ACME, AJAX)]
    )

    found = asyncio.run(CompanyFilters(log, tuple).meeting(ACCOUNT, OneOf(("plan",), ("gold",))))
    log.apply(key(9), encode(company_upserted(ACCOUNT, {"id": ACME, "uid": ACME, "plan": "free"})))

    assert found == {ACME, AJAX}


def test_columns_that_nobody_asked_for_the_longest_time_go() -> None:
    log = folded_companies(ACCOUNT, [{"id": ACME, "uid": 1, "plan": "gold"}])
    log.columns = Columns(max_bytes=5 << 19)  # two, with what they hold
    filters = CompanyFilters(log, tuple)

    for name in ("plan", "seats", "plan", "city"):
        asyncio.run(filters.meeting(ACCOUNT, Exists((name,))))

    assert {column.path for column in log.columns.of(ACCOUNT)} == {("plan",), ("city",)}


# --- what is refused


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
