"""Clear one profile: browser fields and tracked events are reset (contract §7)."""

from api.commands.addressing import NO_PROFILE, anywhere_by_id
from projections.profile import StoredProfile
from schemas.errors import NotFound
from schemas.events import ProfileCleared
from streams.clock import now
from streams.node import Node, Written


async def clear(node: Node, account: str, profile: StoredProfile) -> tuple[Written, StoredProfile]:
    """Clear the profile; returns it as it is then. Raises `NotFound`, `Unavailable`."""
    event = ProfileCleared(account=account, at=now(), id=profile.id)
    written = await node.write(node.identity.partition_of_id(profile.id), event)
    cleared = await anywhere_by_id(node, account, profile.id)
    if written.verdict.outcome == "missing" or cleared is None:
        raise NotFound(NO_PROFILE)
    return written, cleared
