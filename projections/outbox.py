"""What follows from a fold and must be published: rows written in the fold's own batch (design "Folding and relay").

The order of the rows of one event is the order in which they leave: withdrawals, claims, public documents,
then event tombstones.

Rows are kept in packs, because what a row costs is its key: a pack is stored under the position of its last row, so
that the first pack from a position on holds that position, and a range that ends at one has only packs that have left.
"""

from typing import Final, TypeAlias

import msgspec


class _Row(msgspec.Struct, array_like=True, frozen=True):
    pass


class Claim(_Row, tag="c", frozen=True):
    """A record for ``profile-emails``: `value` is an encoded `schemas.events.EmailClaimed` without its place."""

    partition: int
    name: bytes
    value: bytes


class Withdrawal(_Row, tag="t", frozen=True):
    """The claim of this name is no longer current: a record for ``profile-emails``."""

    partition: int
    name: bytes


class PublicDocument(_Row, tag="d", frozen=True):
    """A record for ``profiles``: the document with its event, or None once forgotten."""

    id: str
    value: bytes | None
    account: str


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


OutboxRow: TypeAlias = Claim | Withdrawal | PublicDocument | EventTombstone | Release | Erased

PACK_ROWS: Final = 100
PACK_BYTES: Final = 1 << 20

OutboxPosition: TypeAlias = tuple[int, int]
"""(offset of the event, number of the row among its event's)"""
Pack: TypeAlias = list[tuple[OutboxPosition, OutboxRow]]

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder[Pack](Pack)

encode = _encoder.encode
decode = _decoder.decode


class Packer:
    """Gathers the rows of consecutive events into packs."""

    def __init__(self) -> None:
        self._position: OutboxPosition = (-1, 0)
        self._pack: Pack = []
        self._bytes = 0

    def add(self, offset: int, row: OutboxRow) -> None:
        last, number = self._position
        self._position = (offset, number + 1 if last == offset else 0)
        self._pack.append((self._position, row))
        if type(row) is PublicDocument and row.value is not None:
            self._bytes += len(row.value)

    @property
    def full(self) -> bool:
        return len(self._pack) >= PACK_ROWS or self._bytes >= PACK_BYTES

    def take(self) -> tuple[OutboxPosition, bytes] | None:
        """The pack, encoded, and its last position; None when it is empty."""
        if not self._pack:
            return None
        taken = self._position, encode(self._pack)
        self._pack = []
        self._bytes = 0
        return taken
