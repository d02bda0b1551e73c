"""What the fold answers of an event."""

from typing import Literal

import msgspec

Outcome = Literal["created", "updated", "duplicate", "spent", "missing", "too_large", "done"]


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the fold did with an event.

    `id` is the profile's; `claim` its current email claim, where the event speaks of the email; `made` the claim
    that the event made, if its outputs have still to leave; `lost` the claim that a release was about.
    """

    outcome: Outcome
    offset: int
    id: str | None = None
    claim: bytes | None = None
    made: bytes | None = None
    lost: bytes | None = None
