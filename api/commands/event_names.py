"""List the names of the tracked events that an account's profiles have (contract §11)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from projections.search.names import PropertyNames
from schemas.errors import Unprocessable
from schemas.properties import spelled
from schemas.search.parameters import PAGE, check_names
from schemas.search.request import DEFAULT_LIMIT, parse_limit
from schemas.timestamps import format_timestamp
from streams.cluster.operations import EventsTracked, TrackedEvents
from streams.node import Node


class EventNamePage(NamedTuple):
    """Event names as they are answered, in their order, and the last `uid` where there are more behind it."""

    event_names: list[dict[str, Any]]
    limit: int
    before: str | None


async def list_event_names(node: Node, account: str, given: Mapping[str, object]) -> EventNamePage:
    """The page that `limit`, and `before` or `after`, name. Raises `Unprocessable`, `Unavailable`."""
    check_names(given, PAGE)
    limit = parse_limit(given.get("limit", DEFAULT_LIMIT))
    behind = page_begin(given)
    parts = await node.cluster.of_all_nodes(
        lambda: tracked_here(node, account, behind, limit + 1),
        lambda: TrackedEvents(account, behind, limit + 1),
    )
    last: dict[str, int | None] = {}
    for name, at in (event for part in parts for event in part.events):
        last[name] = max(filter(None, (last.get(name), at)), default=None)
    found = sorted(last)[: limit + 1]
    shown = [_show(node, account, name, last[name]) for name in found[:limit]]
    return EventNamePage(shown, limit, found[limit - 1] if len(found) > limit else None)


async def tracked_here(node: Node, account: str, behind: str, limit: int) -> EventsTracked:
    """The first events behind a name that were tracked of profiles of this node's partitions. Raises `Unavailable`."""

    def look(names: PropertyNames) -> list[tuple[str, int | None]]:
        events = [name for name in names.events() if name > behind][:limit]
        return [(name, names.last_tracked(name)) for name in events]

    partitions, searches = node.searched()
    return EventsTracked(partitions, await searches.survey(account, look))


def page_begin(given: Mapping[str, object]) -> str:
    """The name that the page before ended with, "" for the first page. Raises `Unprocessable`.

    In a list by names the product's `before` and our `after` are the same.
    """
    match [given[name] for name in ("before", "after") if name in given]:
        case []:
            return ""
        case [str() as name, *others] if all(other == name for other in others):
            return name
        case _:
            raise Unprocessable("before: send the cursor of an answer, as `before` or as `after`")


def _show(node: Node, account: str, name: str, last: int | None) -> dict[str, Any]:
    return {
        "id": node.identity.property_id(account, "event", name),
        "name": spelled(name),
        "uid": name,
        "kind": "tracked",
        "last_seen_at": None if last is None else format_timestamp(last),
    }
