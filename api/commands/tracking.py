"""Track one event of a user (contract §11)."""

from collections.abc import Mapping
from typing import NamedTuple

from api.commands.addressing import NO_PROFILE
from api.commands.drafting import draft_event
from api.commands.pacing import beside
from api.commands.repeating import KeyedRequest, Target
from api.commands.upserting import target_of
from schemas.errors import NotFound, Unprocessable
from schemas.events import EventTracked
from schemas.identity import tracked_id
from streams.clock import now
from streams.cluster.operations import EventKeyOf
from streams.node import Node, Written


class Tracked(NamedTuple):
    """The answer: the event's id, where it stands, and which names were not settable."""

    id: str
    written: Written
    ignored: list[str]


async def track(
    node: Node, account: str, sent: Mapping[str, object], keyed: KeyedRequest | None
) -> Tracked:
    """Write one event and wait until every read counts it.

    Raises `Unprocessable`, `NotFound`, `Conflict`, `Unavailable`.
    """
    at = now()
    try:
        write = await beside(draft_event, sent, at)
    except Unprocessable:
        if keyed is not None and keyed.first is not None:
            # It was taken by a version that was less strict: a repeat gets the answer of then.
            return await _tracked(node, await keyed.answered(), [])
        raise
    if keyed is not None and keyed.first is not None:
        return await _tracked(node, await keyed.answered(), write.ignored)

    async def find() -> Target:
        return await target_of(node, account, write)

    target = await (find() if keyed is None else keyed.aim(find))
    event = EventTracked(
        account=account,
        at=at,
        name=write.name,
        properties=write.properties,
        idempotency=None if keyed is None else keyed.id,
        fingerprint=None if keyed is None else keyed.fingerprint,
        **target.names,
    )
    written = await (node if keyed is None else keyed).write(target.partition, event)
    if written.verdict.outcome in ("missing", "spent"):
        raise NotFound(NO_PROFILE)
    return await _tracked(node, written, write.ignored)


async def _tracked(node: Node, written: Written, ignored: list[str]) -> Tracked:
    """The id comes from the key of the event's record: the first one's, where this is a repeat."""
    id_, offset = written.verdict.id, written.verdict.offset
    assert id_ is not None
    key = written.key
    if key is None:
        key = await node.cluster.read(EventKeyOf(written.partition, id_, offset))
    if key is None:
        raise NotFound(NO_PROFILE)
    return Tracked(tracked_id(id_, key), written, ignored)
