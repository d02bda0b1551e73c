"""Search and count profiles (contract §6), those of all nodes.

Each node answers for the partitions that it owns. Pages merge by the order of the search, counts add up; and where no
node answers for a partition the answer is 503, never less than there is.
"""

from collections.abc import Mapping
from heapq import merge
from typing import Final, NamedTuple

import msgspec

from api.commands.addressing import anywhere_by_id, by_id
from api.commands.company_filters import IS_MEMBER, CompanyFilters
from api.commands.reading import show
from projections.search.pages import EVERYWHERE, Edge, Window
from projections.search.searches import Searches
from schemas.errors import Unprocessable
from schemas.search.conditions import Condition, Moment, Not
from schemas.search.cursors import SortKey
from schemas.search.request import Bound, ProfileId, SearchRequest, parse_search
from schemas.timestamps import parse_stored_timestamp
from streams.clock import now
from streams.cluster.operations import Counted, CountProfiles, FoundPage, SearchPage
from streams.node import Node

_encode: Final = msgspec.json.Encoder().encode

_Shown = tuple[int, str, bytes]
_PackedEdge = tuple[int, str | None] | None


class Found(NamedTuple):
    """A page: the JSON of each profile, and the sort key of the last one when there are more behind it."""

    limit: int
    profiles: list[bytes]
    more_before: SortKey | None


class Searching:
    """Searches of a node."""

    def __init__(self, node: Node, companies: CompanyFilters) -> None:
        self._node = node
        self._companies = companies

    async def search(self, account: str, parameters: Mapping[str, object]) -> Found:
        """A page of what the parameters ask for: full, though profiles erased since are left out.

        Raises `Unprocessable`, also for a bound that is no profile of the account, and `Unavailable`.
        """
        at = now()
        asked = parse_search(parameters, account, at)
        window = await self._window(account, asked)
        pages = await self._node.cluster.of_all_nodes(
            lambda: self._page(account, asked, window),
            lambda: SearchPage(account, _encode(parameters), at, *map(_pack, window)),
        )
        found = [*merge(*(page.found for page in pages), key=_order, reverse=True)]
        shown = found[: asked.limit]
        has_more = len(found) > asked.limit or any(page.has_more for page in pages)
        more_before = SortKey(*_order(shown[-1])) if shown and has_more else None
        return Found(asked.limit, [json for _, _, json in shown], more_before)

    async def count(self, account: str, parameters: Mapping[str, object]) -> int:
        """How many profiles a search for the same would show on all its pages together. Raises like `search`."""
        at = now()
        asked = parse_search(parameters, account, at)
        window = await self._window(account, asked)
        counts = await self._node.cluster.of_all_nodes(
            lambda: self._count(account, asked, window),
            lambda: CountProfiles(account, _encode(parameters), at, *map(_pack, window)),
        )
        return sum(each.count for each in counts)

    async def answer(self, asked: SearchPage | CountProfiles) -> FoundPage | Counted:
        """The part of another node's search that is this node's. Raises `Unavailable`."""
        parsed = parse_search(msgspec.json.decode(asked.parameters), asked.account, asked.at)
        window = Window(_unpack(asked.before), _unpack(asked.after))
        if isinstance(asked, SearchPage):
            return await self._page(asked.account, parsed, window)
        return await self._count(asked.account, parsed, window)

    async def _page(self, account: str, asked: SearchRequest, window: Window) -> FoundPage:
        node = self._node
        partitions, searches = node.searched()
        condition = await self._companies.on_profiles(account, asked.condition)
        found: list[_Shown] = []
        while True:
            page = await searches.page(account, condition, window, asked.limit - len(found))
            for created, id_ in page.sort_keys:
                profile = by_id(node, account, id_)
                if profile is not None:
                    found.append((created, id_, show(node, profile, asked.expand)))
            if page.more_before is None or len(found) == asked.limit:
                return FoundPage(partitions, found, page.more_before is not None)
            window = window._replace(before=page.more_before)

    async def _count(self, account: str, asked: SearchRequest, window: Window) -> Counted:
        partitions, searches = self._node.searched()
        if window == EVERYWHERE:
            number = await count_indexed(searches, self._companies, account, asked.condition)
        else:
            condition = await self._companies.on_profiles(account, asked.condition)
            number = await searches.count(account, condition, window)
        return Counted(partitions, number)

    async def _window(self, account: str, asked: SearchRequest) -> Window:
        return Window(
            await self._edge(account, "before", asked.before),
            await self._edge(account, "after", asked.after),
        )

    async def _edge(self, account: str, name: str, bound: Bound | None) -> Edge | None:
        """The sort key of a profile is what its document says: it may be newer than the index."""
        if not isinstance(bound, ProfileId):
            return bound
        profile = await anywhere_by_id(self._node, account, bound.id)
        if profile is None:
            raise Unprocessable(f"{name}: no profile of this account has this id")
        created = parse_stored_timestamp(profile.document()["created_at"])
        assert created is not None, "the fold wrote it"
        return SortKey(created, profile.id)


def _order(found: _Shown) -> tuple[int, str]:
    created, id_, _ = found
    return created, id_


def _pack(edge: Edge | None) -> _PackedEdge:
    match edge:
        case SortKey(created, id_):
            return created, id_
        case Moment(ms):
            return ms, None
        case None:
            return None


def _unpack(edge: _PackedEdge) -> Edge | None:
    if edge is None:
        return None
    created, id_ = edge
    return Moment(created) if id_ is None else SortKey(created, id_)


async def count_indexed(
    searches: Searches, companies: CompanyFilters, account: str, condition: Condition
) -> int:
    """How many profiles meet the condition: members of companies are counted, all else the index knows.

    Raises `Unavailable`.
    """
    counted = await companies.count_members(account, condition)
    if counted is None:
        return await searches.count(account, await companies.on_profiles(account, condition))
    if counted.and_nonmembers:
        return counted.members + await searches.count(account, Not(IS_MEMBER))
    return counted.members
