"""What is known of the properties of an account's profiles, or companies, as they are now (contract §10).

Nothing is kept for this when something is written. Of profiles the search index says which properties and types there
are and where to look, and the documents say the rest:

1. The index names all properties of those profiles that are left.
2. The profiles that were updated last are read: nearly all properties of an account, and their recent values.
3. For each property and type of the page that none of those has, its own last holders are read.

So a type or a value comes from a document that a read shows at this moment, or it is not there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from api.commands.addressing import by_id
from api.commands.pacing import paced
from api.commands.searching import check_ready
from api.limits.turns import Turns
from projections.properties.survey import Seen, Survey
from projections.search.names import PropertyNames
from projections.search.searches import Searches
from schemas.properties import NO_PROPERTIES, TYPES, Kind, ValueType
from streams.node import Node

SAMPLE: Final = 1000
"""Profiles that are read for the recent values of all properties."""

_HOLDERS: Final = (20, SAMPLE)  # more only where an index that is behind named others first

Choose = Callable[[Iterable[str]], list[str]]
"""Takes all names, in any order, and gives those that the answer is about."""


class Known(NamedTuple):
    """A property as the documents show it; times in unix milliseconds."""

    types: list[ValueType]
    values: Sequence[object]
    created: int
    last: int


def _holders(
    wanted: Iterable[tuple[str, ValueType]], limit: int, names: PropertyNames
) -> list[str]:
    ids = (id_ for each in wanted for id_ in names.holders(*each, limit))
    return list(dict.fromkeys(ids))


def _first_created(
    wanted: Iterable[str], types: Mapping[str, Sequence[ValueType]], names: PropertyNames
) -> dict[str, int | None]:
    return {name: names.first_created(name, types[name]) for name in wanted}


def _known(seen: Seen, created: int | None) -> Known:
    types: list[ValueType] = [type_ for type_ in TYPES if type_ in seen.types]
    return Known(types, seen.values, seen.created if created is None else created, seen.last)


class PropertySurveys:
    """Surveys of a node. That of an account's companies is kept until a company changes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turns = Turns()
        self._companies: dict[str, tuple[int, Survey]] = {}

    async def survey(self, account: str, kind: Kind, choose: Choose) -> dict[str, Known | None]:
        """What is known of the properties that `choose` chooses; None for one that nobody has. Raises `Unavailable`."""
        async with self._turns.turn():
            if kind == "profile":
                return await self._of_profiles(account, choose)
            seen = (await self._of_companies(account)).seen
        return {
            name: _known(seen[name], None) if name in seen else None
            async for name in paced(choose(seen))
        }

    def check(self, kind: Kind) -> None:
        """Raises `Unavailable` while there is nothing to ask about properties of this kind."""
        if kind == "profile":
            self._searches()

    # ------------------------------------------------------------------ profiles

    async def _of_profiles(self, account: str, choose: Choose) -> dict[str, Known | None]:
        searches = self._searches()
        named, newest = await searches.survey(
            account, lambda names: (names.types(), names.newest(SAMPLE))
        )
        types = {name: named[name] for name in named if name not in NO_PROPERTIES["profile"]}
        chosen = choose(types)
        if not chosen:
            return {}
        wanted: list[tuple[str, ValueType]] = [
            (name, type_) for name in chosen for type_ in types.get(name, ())
        ]
        survey = Survey("profile")
        await self._read(account, newest, survey)
        for limit in _HOLDERS:
            wanted = [each for each in wanted if not survey.has(*each)]
            if not wanted:
                break
            holders = await searches.survey(account, partial(_holders, wanted, limit))
            await self._read(account, holders, survey)
        there = [name for name in chosen if name in types and name in survey.seen]
        created = await searches.survey(account, partial(_first_created, there, types))
        return {
            name: _known(survey.seen[name], created[name]) if name in created else None
            async for name in paced(chosen)
        }

    def _searches(self) -> Searches:
        check_ready(self._node)
        return self._node.search.searches

    async def _read(self, account: str, ids: Iterable[str], survey: Survey) -> None:
        async for id_ in paced(ids):
            if (profile := by_id(self._node, account, id_)) is not None:
                survey.add(profile.document())

    # ------------------------------------------------------------------ companies

    async def _of_companies(self, account: str) -> Survey:
        companies = self._node.companies
        version, survey = self._companies.get(account, (None, None))
        if survey is None or version != companies.version:
            version, survey = companies.version, Survey("company")
            async for company in paced(companies.newest(account, None, None)):
                survey.add(company.document())
            self._companies[account] = version, survey
        return survey
