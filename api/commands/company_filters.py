"""Which companies meet a condition, and whose members they are (contract §6, §10)."""

import asyncio
from collections.abc import Callable, Iterable, Set
from typing import Final, NamedTuple

from api.commands.pacing import paced
from api.commands.selection import EVERYTHING, NOTHING, Selection
from api.limits.turns import Turns
from projections.companies.columns import Column
from projections.companies.fold import Companies
from projections.memberships import MemberCounts
from projections.profiles import ProfileState
from schemas.search.conditions import (
    COMPANY,
    AllOf,
    AnyOf,
    Condition,
    Exists,
    Happened,
    HappenedLast,
    HappenedOften,
    Not,
    OneOf,
    OnProperty,
    Path,
    inside,
)

_COMPANY_ID: Final = ("company_id",)
IS_MEMBER: Final = Exists(_COMPANY_ID)
_NOBODY: Final = AnyOf(())


class Counted(NamedTuple):
    """How many profiles are members of some companies; perhaps those without a company are to be added."""

    members: int
    and_nonmembers: bool


class CompanyFilters:
    """Filters on companies, of a node. Each comparison in a filter is of a moment of its own."""

    def __init__(
        self, companies: Companies, profiles: Callable[[], Iterable[ProfileState]]
    ) -> None:
        self._companies = companies
        self._profiles = profiles
        self._making = Turns()
        self._counting = Turns()

    async def meeting(self, account: str, condition: Condition) -> Set[str]:
        """The ids of the companies that meet a condition on their own properties (`conditions.inside`).

        Raises `Unavailable` when too many wait for the values of properties that were not asked for of late.
        """
        return (await self._select(account, condition)).among(self._companies.ids(account))

    async def on_profiles(self, account: str, condition: Condition) -> Condition:
        """The same condition, naming companies where it asked what a profile's company is like. Raises like `meeting`.

        They are all named, also when nearly all are meant: a member of a company that came or went meanwhile may be in
        the index, and is found only if that company met the condition.
        """
        if _asks_of_companies_alone(condition):
            return _members(await self._select(account, inside(condition)))
        match condition:
            case AllOf(conditions):
                return AllOf(await self._joined(account, conditions, AllOf))
            case AnyOf(conditions):
                return AnyOf(await self._joined(account, conditions, AnyOf))
            case Not(inner):
                return Not(await self.on_profiles(account, inner))
            case Happened() | HappenedOften() | HappenedLast():
                return condition
            case _ if condition.path == (COMPANY,):  # of the company itself only `ex` is asked
                return IS_MEMBER if isinstance(condition, Exists) else _NOBODY
            case _:
                return condition

    async def count_members(self, account: str, condition: Condition) -> Counted | None:
        """How many profiles meet a condition that asks of nothing but what their company is like; None for another.

        Raises like `meeting`.
        """
        if not _asks_of_companies_alone(condition):
            return None
        selected = await self._select(account, inside(condition))
        counts = [await self._member_counts(state) for state in self._profiles()]
        ids = selected.among(self._companies.ids(account))
        if selected.inverted:
            ids = ids | self._companies.leaving(account)
        return Counted(sum(each.of(ids) for each in counts), selected.inverted)

    async def _joined(
        self, account: str, conditions: tuple[Condition, ...], join: type[AllOf | AnyOf]
    ) -> tuple[Condition, ...]:
        """Of what asks of companies alone one condition together, so that the index looks for companies once."""
        alone: list[Condition] = []
        joined: list[Condition] = []
        for each in conditions:
            if _asks_of_companies_alone(each):
                alone.append(each)
            else:
                joined.append(await self.on_profiles(account, each))
        if alone:
            joined.append(await self.on_profiles(account, join(tuple(alone))))
        return tuple(joined)

    async def _select(self, account: str, condition: Condition) -> Selection:
        match condition:
            case AllOf(conditions):
                selected = EVERYTHING
                for each in conditions:
                    selected &= await self._select(account, each)
                return selected
            case AnyOf(conditions):
                selected = NOTHING
                for each in conditions:
                    selected |= await self._select(account, each)
                return selected
            case Not(inner):
                return ~await self._select(account, inner)
            case Happened() | HappenedOften() | HappenedLast():
                return NOTHING  # nothing is tracked of a company
            case _:
                return await self._selected(account, condition)

    async def _selected(self, account: str, condition: OnProperty) -> Selection:
        await asyncio.sleep(0)  # a request may have a hundred of them
        column = await self._column(account, condition.path)
        found: set[str] = set()
        async for some in paced(column.meeting(condition)):
            found |= some
        return Selection(found)

    async def _column(self, account: str, path: Path) -> Column:
        columns = self._companies.columns
        if (column := columns.get(account, path)) is not None:
            return column
        async with self._making.turn():
            if (column := columns.get(account, path)) is not None:
                return column
            column = columns.begin(account, path)
            try:
                async for company in paced(self._companies.newest(account, None, None)):
                    column.add(company.id, company.document())
            except BaseException:
                columns.drop(account, path)
                raise
            columns.finish(account, path)
            return column

    async def _member_counts(self, state: ProfileState) -> MemberCounts:
        if (counts := state.member_counts) is not None and counts.is_whole:
            return counts
        async with self._counting.turn():
            if (counts := state.member_counts) is None:
                counts = state.member_counts = MemberCounts(state.storage)
            async for _ in paced(counts.read()):
                pass
            return counts


def _members(companies: Selection) -> Condition:
    named = OneOf(_COMPANY_ID, tuple(companies.ids))
    return Not(named) if companies.inverted else named


def _asks_of_companies_alone(condition: Condition) -> bool:
    match condition:
        case AllOf(conditions) | AnyOf(conditions):
            return bool(conditions) and all(map(_asks_of_companies_alone, conditions))
        case Not(inner):
            return _asks_of_companies_alone(inner)
        case Happened() | HappenedOften() | HappenedLast():
            return False
        case _:
            return condition.path[0] == COMPANY and len(condition.path) > 1
