"""Profiles of the batches as the parts get them: items of a request, and events."""

from typing import Any, Final, NamedTuple

import msgspec

from benchmarks import seeds
from benchmarks.log_records import ACCOUNT, FIRST_AT
from schemas.events import ProfileUpserted
from schemas.identity import Identity

BODIES: Final = {seeds.SMALL_COUNT: seeds.small_batch, seeds.LARGE_COUNT: seeds.large_batch}
"""By the size of the batch that the profiles are of."""


class _Envelope(msgspec.Struct):
    profiles: list[msgspec.Raw]


class Item(NamedTuple):
    """An item as it was sent, and its event as it is appended."""

    sent: bytes
    event: ProfileUpserted


def make_items(size: int, count: int, identity: Identity) -> list[Item]:
    """The first `count` of the batch of this size, which has no fewer."""
    profiles = msgspec.json.decode(BODIES[size](), type=_Envelope).profiles[:count]
    return [_item(bytes(raw), FIRST_AT + number, identity) for number, raw in enumerate(profiles)]


def _item(sent: bytes, at: int, identity: Identity) -> Item:
    properties: dict[str, Any] = msgspec.json.decode(sent)
    uid = properties.pop("uid")
    if "company_id" in properties:
        properties["company_id"] = identity.company_id(ACCOUNT, properties["company_id"])
    return Item(sent, ProfileUpserted(account=ACCOUNT, at=at, uid=uid, properties=properties))
