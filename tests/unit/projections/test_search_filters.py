"""The index finds what plain Python finds (contract §6), over thousands of users and filters."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from api.commands.company_filters import CompanyFilters
from projections.search.documents import Entry
from projections.search.pages import Window
from schemas.normalization import normalize
from schemas.search.conditions import Condition
from schemas.search.request import parse_count
from schemas.timestamps import format_timestamp
from tests.support.brute_force import Known, found
from tests.support.folding import folded_companies
from tests.support.search_inputs import NOW, are_affordable, filters, substring_filters, users
from tests.support.searching import LocalIndex, complete_index

accounts = map(str, count())
fresh_ids = map("{:024x}".format, count(1))
fresh_users = users(st.builds(partial(next, fresh_ids)))
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Searched:
    """An account of its own in the index, with these users."""

    def __init__(self, index: LocalIndex, known: Sequence[Known]) -> None:
        self.index, self.account, self.known = index, next(accounts), known
        documents = [user.company for user in known if user.company is not None]
        self._filters = CompanyFilters(folded_companies(self.account, documents), tuple)
        for offset, user in enumerate(known):
            index.upsert(entry(user, self.account, offset))
        index.commit()

    def check(self, filters: list[dict[str, Any]], op: str = "and") -> None:
        """Count and page are what brute force finds."""
        expected = {user.document["id"] for user in self.known if found(filters, user, NOW, op)}
        condition = self._joined(parse_count({"filters": filters, "filters_op": op}, NOW))
        assert self.index.count(self.account, condition) == len(expected)
        page = self.index.page(self.account, condition, Window(), len(self.known))
        assert set(page.ids) == expected
        assert page.more_before is None

    def _joined(self, condition: Condition) -> Condition:
        return asyncio.run(self._filters.on_profiles(self.account, condition))


def entry(user: Known, account: str, offset: int) -> Entry:
    return Entry(
        id=user.document["id"],
        account=account,
        document=msgspec.json.encode(user.document),
        partition=offset % 4,
        offset=offset,
        tracked=msgspec.json.encode(user.tracked),
    )


def with_one_document_a_company(known: list[Known]) -> list[Known]:
    companies: dict[str, dict[str, Any]] = {}
    for user in known:
        if user.company is not None:
            companies.setdefault(user.company["id"], user.company)
    return [
        Known(user.document, user.company and companies[user.company["id"]], user.tracked)
        for user in known
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIndex]:
    index = complete_index(tmp_path_factory.mktemp("search"))
    yield index
    index.close()


@pytest.fixture(scope="module")
def populated(index: LocalIndex) -> Searched:
    """An account of 400 users."""
    known: list[Known] = []

    @settings(unhurried, max_examples=400, phases=[Phase.generate], database=None)
    @given(fresh_users)
    def collect(user: Known) -> None:
        known.append(user)

    collect()
    return Searched(index, with_one_document_a_company(known))


@settings(unhurried, max_examples=1000)
@given(filter_=filters)
def test_a_filter_finds_what_it_says(populated: Searched, filter_: dict[str, Any]) -> None:
    populated.check([filter_])


@settings(unhurried, max_examples=150)
@given(
    asked=st.lists(filters, max_size=4).filter(are_affordable), op=st.sampled_from(["and", "or"])
)
def test_filters_are_joined(populated: Searched, asked: list[dict[str, Any]], op: str) -> None:
    populated.check(asked, op)


@settings(unhurried, max_examples=300)
@given(
    substrings=st.lists(substring_filters(), min_size=1, max_size=2),
    others=st.lists(filters, max_size=2),
    order=st.randoms(use_true_random=False),
)
def test_substrings_are_found_among_what_the_other_filters_leave(
    populated: Searched, substrings: list[Any], others: list[Any], order: Random
) -> None:
    asked = [*substrings, *others]
    order.shuffle(asked)
    assume(are_affordable(asked))
    populated.check(asked)


@settings(unhurried, max_examples=60)
@given(
    known=st.lists(fresh_users, min_size=1, max_size=3),
    asked=st.lists(filters, min_size=1, max_size=8),
)
def test_any_users_are_found_by_any_filters(
    index: LocalIndex, known: list[Known], asked: list[dict[str, Any]]
) -> None:
    searched = Searched(index, with_one_document_a_company(known))
    for filter_ in asked:
        searched.check([filter_])


LONG: tuple[int | float | str, ...] = (
    *(7, 2**53 + 1, 2**53 + 2, 2**63 - 1, 2**63, 2**64 + 1, 10**22, 1e22, 10**22 + 1, -(2**63) - 1),
    *(str(2**53 + 1), str(2**64), f"-{2**64}", f"000{2**53 + 1}", "007", 0.1 + 0.2, "x"),
)
ASKED = (*LONG, *(str(number) for number in LONG if not isinstance(number, str)), "9" * 400)
COMPARING = ("eq", "ne", "gt", "gte", "lt", "lte", "in-v", "nin-v")


@pytest.mark.parametrize("prop", ["plan", "company.plan"])
def test_numbers_of_any_length_compare_to_their_last_digit(index: LocalIndex, prop: str) -> None:
    def user(number: int, value: object) -> Known:
        properties = normalize({"plan": value}, NOW).properties
        at = {"created_at": format_timestamp(NOW), "updated_at": format_timestamp(NOW)}
        document = {"id": next(fresh_ids), "uid": number, **at}
        if prop == "plan":
            return Known(document | properties)
        company = {"id": f"{number:024x}", "uid": number, **properties}
        return Known({**document, "company_id": company["id"]}, company)

    stored = [*LONG, *([value] for value in LONG)]
    searched = Searched(index, [user(number, value) for number, value in enumerate(stored)])

    for value in ASKED:
        for op in COMPARING:
            wanted = str(value) if "-v" in op else value
            searched.check([{"kind": "property", "prop": prop, "op": op, "value": wanted}])
        for op in ("in-a", "nin-a"):
            searched.check([{"kind": "property", "prop": prop, "op": op, "value": value}])
