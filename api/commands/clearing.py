"""Clear one profile: browser fields and tracked events are reset (contract §7)."""

from api.commands.addressing import NO_PROFILE, Found, by_id
from schemas.errors import NotFound
from schemas.events import ProfileCleared
from streams.node import Node, Written, now


async def clear(node: Node, account: str, profile: Found) -> tuple[Written, Found]:
    """Clear the profile; returns it as it is then. Raises `NotFound`, `Unavailable`."""
    event = ProfileCleared(account=account, at=now(), id=profile.id)
    written = await node.write(node.identity.partition_of_id(profile.id), event)
    cleared = by_id(node, account, profile.id)
    if written.verdict.outcome == "missing" or cleared is None:
        raise NotFound(NO_PROFILE)
    return written, cleared
