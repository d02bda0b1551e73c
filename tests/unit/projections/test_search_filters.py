"""The index finds what plain Python finds (contract §6), over thousands of users and filters."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.search.documents import Entry
from projections.search.index import SearchIndex
from projections.search.matching import holds
from projections.search.pages import Window
from schemas.search.conditions import OnProperty
from schemas.search.request import parse_count
from tests.support.brute_force import Known, found
from tests.support.search_inputs import NOW, filters, users

accounts = map(str, count())


class Searched:
    """An account of its own in the index, with these users."""

    def __init__(self, index: SearchIndex, known: Sequence[Known]) -> None:
        self.index, self.account, self.known = index, next(accounts), known
        for offset, user in enumerate(known):
            index.upsert(entry(user, self.account, offset))
        index.commit()

    def check(self, filters: list[dict[str, Any]], op: str = "and") -> None:
        """Count and page are what brute force finds."""
        expected = {user.document["id"] for user in self.known if found(filters, user, NOW, op)}
        condition = parse_count({"filters": filters, "filters_op": op}, NOW)
        assert self.index.count(self.account, condition, self._companies) == len(expected)
        page = self.index.page(self.account, condition, self._companies, Window(), len(self.known))
        assert set(page.ids) == expected
        assert page.more_before is None

    def _companies(self, account: str, condition: OnProperty) -> list[str]:
        assert account == self.account
        companies = [user.company for user in self.known if user.company is not None]
        return [company["id"] for company in companies if holds(condition, company)]


def entry(user: Known, account: str, offset: int = 0) -> Entry:
    return Entry(
        id=user.document["id"],
        account=account,
        document=msgspec.json.encode(user.document),
        partition=offset % 4,
        offset=offset,
        tracked=msgspec.json.encode(user.tracked),
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    index = SearchIndex(tmp_path_factory.mktemp("search"), "log")
    index.begin_rebuild()
    index.finish_rebuild()
    yield index
    index.close()


fresh_ids = map("{:024x}".format, count(1))
a_few_users = st.lists(users(st.builds(partial(next, fresh_ids))), min_size=1, max_size=8)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(known=a_few_users, asked=st.lists(filters, min_size=12, max_size=12))
def test_each_filter_finds_what_it_says(
    index: SearchIndex, known: list[Known], asked: list[dict[str, Any]]
) -> None:
    searched = Searched(index, unique(known))
    for filter_ in asked:
        searched.check([filter_])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(known=a_few_users, asked=st.lists(filters, max_size=4), op=st.sampled_from(["and", "or"]))
def test_filters_are_joined(
    index: SearchIndex, known: list[Known], asked: list[dict[str, Any]], op: str
) -> None:
    Searched(index, unique(known)).check(asked, op)


def unique(known: list[Known]) -> list[Known]:
    """One company of an id has one document."""
    companies: dict[str, dict[str, Any]] = {}
    for user in known:
        if user.company is not None:
            companies.setdefault(user.company["id"], user.company)
    return [
        Known(user.document, user.company and companies[user.company["id"]], user.tracked)
        for user in known
    ]
