"""Which companies meet a condition, and whose members they are (contract §6, §10)."""

from collections.abc import Callable, Iterable, Set
from dataclasses import replace
from typing import Final, NamedTuple

from api.commands.pacing import Turns, paced
from projections.companies.columns import Column
from projections.companies.fold import Companies
from projections.companies.selection import EVERYTHING, NOTHING, Selection
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
_IS_MEMBER: Final = Exists(_COMPANY_ID)
_NOBODY: Final = AnyOf(())


class MemberCount(NamedTuple):
    """How many are members of some companies; `inverted`: it is all others, members or not, who are asked for."""

    members: int
    inverted: bool


class CompanyFilters:
    """Filters on companies, of a node: one at a time looks at companies, and a column is made once."""

    def __init__(
        self, companies: Companies, profiles: Callable[[], Iterable[ProfileState]]
    ) -> None:
        self._companies = companies
        self._profiles = profiles
        self._turns = Turns()

    async def meeting(self, account: str, condition: Condition) -> Set[str]:
        """The ids of the companies that meet a condition on their own properties (`conditions.inside`).

        They are to be used before anything else is awaited: after that they may have changed. Raises
        `Unavailable` when too many filters wait.
        """
        return (await self._select(account, condition)).among(self._companies.ids(account))

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
                async with self._turns.turn():
                    return Selection(
                        (await self._column(account, condition.path)).meeting(condition)
                    )

    async def on_profiles(self, account: str, condition: Condition) -> Condition:
        """The same condition, saying which companies where it asked what a profile's company is like.

        Raises `Unavailable` when too many filters wait.
        """
        match condition:
            case AllOf(conditions):
                return AllOf(tuple([await self.on_profiles(account, each) for each in conditions]))
            case AnyOf(conditions):
                return AnyOf(tuple([await self.on_profiles(account, each) for each in conditions]))
            case Not(inner):
                return Not(await self.on_profiles(account, inner))
            case Happened() | HappenedOften() | HappenedLast():
                return condition
            case _ if condition.path == (COMPANY,):  # of the company itself only `ex` is asked
                return _IS_MEMBER if isinstance(condition, Exists) else _NOBODY
            case _ if condition.path[0] == COMPANY:
                return await self._members(account, condition)
            case _:
                return condition

    async def count_members(self, account: str, condition: Condition) -> MemberCount | None:
        """How many profiles meet a condition that asks of nothing but what their company is like; None for another.

        Raises `Unavailable` when too many filters wait.
        """
        if not _asks_of_companies_alone(condition):
            return None
        counts = [await self._member_counts(state) for state in self._profiles()]
        selected = await self._select(account, inside(condition))
        return MemberCount(sum(each.of(selected.ids) for each in counts), selected.inverted)

    async def _member_counts(self, state: ProfileState) -> MemberCounts:
        async with self._turns.turn():
            if state.member_counts is None:
                state.member_counts = MemberCounts(state.storage)
            async for _ in paced(state.member_counts.read()):
                pass
            return state.member_counts

    async def _members(self, account: str, condition: OnProperty) -> Condition:
        """The members of the companies for which it holds: those are named or the others, whichever are fewer."""
        ids = await self.meeting(account, replace(condition, path=condition.path[1:]))
        if 2 * len(ids) <= self._companies.count(account):
            return OneOf(_COMPANY_ID, tuple(ids))
        others = (self._companies.ids(account) - ids) | self._companies.leaving(account)
        return AllOf((_IS_MEMBER, Not(OneOf(_COMPANY_ID, tuple(others)))))

    async def _column(self, account: str, path: Path) -> Column:
        columns = self._companies.columns
        column = columns.get(account, path)
        if column is None:
            column = columns.begin(account, path)
            try:
                async for company in paced(self._companies.newest(account, None, None)):
                    column.add(company.id, company.document())
            except BaseException:
                columns.drop(account, path)
                raise
            columns.make_room()
        return column


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
