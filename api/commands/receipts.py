"""The receipts of deletions: one, and an account's list (contract §8)."""

from collections.abc import Mapping
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple

from projections import keyspace
from projections.deletions import list_deletions
from projections.receipts import Receipt
from schemas.errors import NotFound, Unprocessable
from schemas.events import ENCODER
from schemas.identity import is_id
from schemas.search.parameters import PAGE, check_names
from schemas.search.request import DEFAULT_LIMIT, parse_limit, parse_moment
from schemas.timestamps import format_timestamp
from streams.clock import now
from streams.cluster.operations import DeletionTime, ListDeletions, Listed
from streams.node import Node

NO_DELETION: Final = "No such deletion"
TOMBSTONES_WAIT: Final = "its tombstones have not left yet"


class Page(NamedTuple):
    """Which part of a list is wanted: keys of the list that bound it, None for no bound."""

    limit: int
    before: bytes | None
    after: bytes | None


def show_receipt(node: Node, account: str, deletion_id: str) -> dict[str, Any]:
    """The receipt as it is answered. Raises `NotFound`, `Unavailable`."""
    receipt = _find(node, account, deletion_id)
    if receipt is None:
        raise NotFound(NO_DELETION)
    return _shown(node, deletion_id, receipt)


async def parse_page(node: Node, account: str, given: Mapping[str, object]) -> Page:
    """`limit`, `before` and `after` of a list; no others. Raises `Unprocessable`, `Unavailable`."""
    check_names(given, PAGE)
    limit = parse_limit(given.get("limit", DEFAULT_LIMIT))
    before = await _bound(node, account, "before", given.get("before"))
    after = await _bound(node, account, "after", given.get("after"))
    return Page(limit, before, after)


async def list_receipts(node: Node, account: str, page: Page) -> bytes:
    """The JSON of an account's deletions, of all nodes, the newest first. Raises `Unavailable`."""
    asked = ListDeletions(account, page.before, page.after, page.limit + 1)

    async def here() -> Listed:
        return list_here(node, asked)

    parts = await node.cluster.of_all_nodes(here, lambda: asked)
    found = [*merge(*(part.deletions for part in parts))]
    shown, cursor = found[: page.limit], {"limit": page.limit}
    if len(found) > page.limit:
        cursor |= {"before": keyspace.deletion_id(shown[-1][0])}
    receipts = b",".join(json for _, json in shown)
    return b'{"deletions":[%b],"cursor":%b}' % (receipts, ENCODER.encode(cursor))


def list_here(node: Node, asked: ListDeletions) -> Listed:
    """The part of the list that is in this node's partitions. Raises `Unavailable` while it catches up."""
    node.check_caught_up()
    states = node.partitions.owned_profiles()
    lists = [
        list_deletions(state.storage, asked.account, before=asked.before, after=asked.after)
        for state in states.values()
    ]
    keys = [*islice(merge(*lists), asked.limit)]
    return Listed(sorted(states), [(key, _json(node, asked.account, key)) for key in keys])


def _json(node: Node, account: str, key: bytes) -> bytes:
    return ENCODER.encode(show_receipt(node, account, keyspace.deletion_id(key)))


async def _bound(node: Node, account: str, name: str, sent: object) -> bytes | None:
    """A deletion, which is a cursor too, or a time. Another account's deletion is like none at all."""
    if sent is None:
        return None
    if isinstance(sent, str) and is_id(sent):
        partition = node.identity.partition_of_id(sent)
        requested = await node.cluster.read(DeletionTime(partition, account, sent))
        if requested is not None:
            return keyspace.deletion(account, requested, sent)
    moment = parse_moment(sent, now())
    if moment is None:
        raise Unprocessable(f"{name} must be a cursor, the id of a deletion or a timestamp")
    # The list runs backwards: of one time, what the key alone stands before is that time's.
    return keyspace.deletion(account, max(0, moment.ms - (name == "before")))


def _find(node: Node, account: str, deletion_id: str) -> Receipt | None:
    if not is_id(deletion_id):
        return None
    state = node.partitions.profiles(node.identity.partition_of_id(deletion_id))
    return state.receipt(deletion_id, account)


def _shown(node: Node, deletion_id: str, receipt: Receipt) -> dict[str, Any]:
    state = node.partitions.profiles(node.identity.partition_of_id(deletion_id))
    tombstoned, purged = state.tombstoned(deletion_id), state.purged(deletion_id)
    overdue = node.purge.overdue
    status, reason = "accepted" if tombstoned is None else "tombstoned", None
    if purged is not None:
        status = "purged"
    elif overdue.is_since(receipt.requested_at):
        status, reason = "overdue", TOMBSTONES_WAIT if tombstoned is None else overdue.reason
    expected = receipt.requested_at + int(node.deployment.purge_within * 1000)
    return {
        "id": deletion_id,
        "status": status,
        **({} if reason is None else {"reason": reason}),
        "events": (purged or tombstoned or receipt).events,
        **({} if purged is None or purged.bytes is None else {"bytes": purged.bytes}),
        "requested_at": format_timestamp(receipt.requested_at),
        "expected_by": format_timestamp(expected),
        "tombstoned_at": None if tombstoned is None else format_timestamp(tombstoned.at),
        "purged_at": None if purged is None else format_timestamp(purged.at),
    }
