"""Search and count profiles (contract §6)."""

from typing import NamedTuple

from api.commands.addressing import by_id
from api.commands.company_filters import IS_MEMBER, CompanyFilters
from projections.profile import StoredProfile
from projections.search.pages import EVERYWHERE, Edge, Window
from projections.search.searches import Searches
from schemas.errors import Unavailable, Unprocessable
from schemas.search.conditions import Condition, Not
from schemas.search.cursors import SortKey
from schemas.search.request import Bound, ProfileId, SearchRequest
from schemas.timestamps import parse_stored_timestamp
from streams.node import Node


class Found(NamedTuple):
    """A page of profiles, as they are now, and the sort key of the last one when there are more behind it."""

    profiles: list[StoredProfile]
    more_before: SortKey | None


async def search(
    node: Node, companies: CompanyFilters, account: str, asked: SearchRequest
) -> Found:
    """A page of what is asked for: full, though profiles erased since the index was written are left out.

    Raises `Unprocessable` for a bound that is no profile of the account, and `Unavailable`.
    """
    check_ready(node)
    window = _window(node, account, asked)
    condition = await companies.on_profiles(account, asked.condition)
    profiles: list[StoredProfile] = []
    while True:
        missing = asked.limit - len(profiles)
        page = await node.search.searches.page(account, condition, window, missing)
        found = (by_id(node, account, id_) for id_ in page.ids)
        profiles += [profile for profile in found if profile is not None]
        if page.more_before is None or len(profiles) == asked.limit:
            return Found(profiles, page.more_before)
        window = window._replace(before=page.more_before)


async def count(node: Node, companies: CompanyFilters, account: str, asked: SearchRequest) -> int:
    """How many profiles a search for the same would show on all its pages together. Raises like `search`."""
    check_ready(node)
    window = _window(node, account, asked)
    searches = node.search.searches
    if window == EVERYWHERE:
        return await count_indexed(searches, companies, account, asked.condition)
    condition = await companies.on_profiles(account, asked.condition)
    return await searches.count(account, condition, window)


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


def check_ready(node: Node) -> None:
    """Raises `Unavailable` while the node catches up: what is asked of the index is read from the state."""
    if not node.partitions.ready:
        raise Unavailable("the service is catching up with the log, try again", retry_after=1)


def _window(node: Node, account: str, asked: SearchRequest) -> Window:
    return Window(
        _edge(node, account, "before", asked.before), _edge(node, account, "after", asked.after)
    )


def _edge(node: Node, account: str, name: str, bound: Bound | None) -> Edge | None:
    """The sort key of a profile is what its document says: it may be newer than the index."""
    if not isinstance(bound, ProfileId):
        return bound
    profile = by_id(node, account, bound.id)
    if profile is None:
        raise Unprocessable(f"{name}: no profile of this account has this id")
    created = parse_stored_timestamp(profile.document()["created_at"])
    assert created is not None, "the fold wrote it"
    return SortKey(created, profile.id)
