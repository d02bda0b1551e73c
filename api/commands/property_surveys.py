"""What is known of the properties of an account's profiles, or companies, as they are now (contract §10).

Nothing is kept for this when something is written. Of profiles the search index says which properties and types there
are and where to look, and the documents say the rest. Each node does so for the partitions that it owns, and what they
have seen is joined:

1. The index names all properties of those profiles that are left.
2. The profiles that were updated last are read: nearly all properties of an account, and their recent values.
3. For each property and type of the page that none of those has, its own last holders are read.

So a type or a value comes from a document that a read shows at this moment, or it is not there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from api.commands.addressing import by_id
from api.commands.pacing import paced
from api.limits.turns import Turns
from projections.properties.survey import Seen, SeenRow, Survey
from projections.search.names import PropertyNames as IndexedNames
from schemas.events import ENCODER
from schemas.properties import NO_PROPERTIES, TYPES, Kind, ValueType
from streams.cluster.operations import Names, PropertyNames, Surveyed, SurveyProperties
from streams.node import Node

SAMPLE: Final = 1000
"""Profiles that are read for the recent values of all properties."""

_HOLDERS: Final = (20, SAMPLE)  # more only where an index that is behind named others first

_rows: Final = msgspec.json.Decoder(dict[str, SeenRow])

Choose = Callable[[Iterable[str]], list[str]]
"""Takes all names, in any order, and gives those that the answer is about."""


class Known(NamedTuple):
    """A property as the documents show it; times in unix milliseconds."""

    types: list[ValueType]
    values: Sequence[object]
    created: int
    last: int


def _holders(wanted: Iterable[tuple[str, ValueType]], limit: int, names: IndexedNames) -> list[str]:
    ids = (id_ for each in wanted for id_ in names.holders(*each, limit))
    return list(dict.fromkeys(ids))


def _first_created(
    wanted: Iterable[str], types: Mapping[str, Sequence[ValueType]], names: IndexedNames
) -> dict[str, int | None]:
    return {name: names.first_created(name, types[name]) for name in wanted}


def _known(seen: Seen) -> Known:
    types: list[ValueType] = [type_ for type_ in TYPES if type_ in seen.types]
    return Known(types, seen.values, seen.created, seen.last)


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
            name: _known(seen[name]) if name in seen else None async for name in paced(choose(seen))
        }

    def check(self, kind: Kind) -> None:
        """Raises `Unavailable` while there is nothing to ask about properties of this kind."""
        if kind == "profile":
            self._node.searched()

    # ------------------------------------------------------------------ profiles

    async def _of_profiles(self, account: str, choose: Choose) -> dict[str, Known | None]:
        cluster = self._node.cluster
        named = await cluster.of_all_nodes(
            lambda: self.names_here(account), lambda: PropertyNames(account)
        )
        chosen = choose({name for part in named for name in part.names})
        if not chosen:
            return {}
        surveyed = await cluster.of_all_nodes(
            lambda: self.survey_here(account, chosen), lambda: SurveyProperties(account, chosen)
        )
        joined: dict[str, Seen] = {}
        for part in surveyed:
            async for name, row in paced(_rows.decode(part.seen).items()):
                joined.setdefault(name, Seen(row.created)).join(row)
        return {
            name: _known(joined[name]) if name in joined else None async for name in paced(chosen)
        }

    async def names_here(self, account: str) -> Names:
        """The properties of the profiles of this node's partitions. Raises `Unavailable`."""
        partitions, searches = self._node.searched()
        types = await searches.survey(account, lambda names: names.types())
        left_out = NO_PROPERTIES["profile"]
        return Names(partitions, [name for name in types if name not in left_out])

    async def survey_here(self, account: str, chosen: Sequence[str]) -> Surveyed:
        """What the profiles of this node's partitions show of some properties. Raises `Unavailable`."""
        partitions, searches = self._node.searched()
        types, newest = await searches.survey(
            account, lambda names: (names.types(), names.newest(SAMPLE))
        )
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
        rows: dict[str, SeenRow] = {}
        async for name in paced(there):
            row = rows[name] = survey.seen[name].row()
            if (first := created[name]) is not None:
                row.created = first
        return Surveyed(partitions, ENCODER.encode(rows))

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
