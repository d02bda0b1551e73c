"""What the settlement of emails follows (`streams.partition.settlement`), for one partition each."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.events import EmailReleased, decode_profile_event

NOT_OURS: Final = -1
"""The partition of a claim that is not settled, but was made before its partition came here."""


class OpenRelease(NamedTuple):
    """A release in the outbox of an index partition: the claim `by` took the email from the claim `lost`."""

    by: bytes
    lost: bytes


class IndexWaits:
    """A partition of ``profile-emails``.

    `ends` are the offsets up to which partitions of ``profile-events`` have still to be folded (rule 2), `folded` the
    claims that settle then, and `lost` the claims whose releases are still to be folded.
    """

    def __init__(self) -> None:
        self.applied = -1
        self.is_here = False
        self.ends: dict[int, int] = {}
        self.folded: list[bytes] = []
        self.lost: set[bytes] = set()
        self.over: asyncio.Future[None] | None = None  # when there are no `ends` any more


class InheritedWaits:
    """What a partition of ``profile-events`` waits for once acquired (rule 1): ends of the index, then releases."""

    def __init__(self, ends: Mapping[int, int]) -> None:
        self.ends = dict(ends)
        self.lost: set[bytes] = set()
        self.over: asyncio.Future[None] | None = None


def decode_release(value: bytes) -> OpenRelease:
    event = decode_profile_event(value)
    assert isinstance(event, EmailReleased)
    return OpenRelease(event.by.encode(), event.claim.encode())
