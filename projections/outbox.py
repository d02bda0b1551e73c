"""What follows from a fold and must be published: rows written in the fold's own batch (design "Folding and relay").

The order of the rows of one event is the order in which they leave: claim tombstones, claims, public documents,
then event tombstones.
"""

from typing import Final, TypeAlias

import msgspec


class _Row(msgspec.Struct, array_like=True, frozen=True):
    pass


class Claim(_Row, tag="c", frozen=True):
    """A record for ``profile-emails``: `value` is an encoded `schemas.events.EmailClaimed`."""

    partition: int
    key: bytes
    value: bytes


class ClaimTombstone(_Row, tag="t", frozen=True):
    """The claim is no longer current: a tombstone for ``profile-emails``."""

    partition: int
    key: bytes


class PublicDocument(_Row, tag="d", frozen=True):
    """A record for ``profiles``: the document with its event, or None once forgotten."""

    id: str
    value: bytes | None


class EventTombstone(_Row, tag="e", frozen=True):
    """A tombstone for the record of ``profile-events`` with this key, in the outbox's own partition."""

    key: bytes


class Release(_Row, tag="r", frozen=True):
    """An event for the partition of profile `id`: `value` is an encoded `schemas.events.EmailReleased`."""

    id: str
    value: bytes


class Erased(_Row, tag="x", frozen=True):
    """All tombstones of a deletion have left when this row's turn comes; an event then says when."""

    account: str
    deletion: str
    events: int


OutboxRow: TypeAlias = Claim | ClaimTombstone | PublicDocument | EventTombstone | Release | Erased

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder[OutboxRow](OutboxRow)

encode = _encoder.encode
decode = _decoder.decode
