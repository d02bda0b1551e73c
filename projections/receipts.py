"""The receipt of a deletion (contract §8). It holds ids, counts, offsets and times, nothing personal."""

from typing import Final

import msgspec

from schemas.events import ProfileForgotten


class Receipt(msgspec.Struct, array_like=True, frozen=True):
    """`offset` is the forget's own; `erased` are the offsets of the records that it erased.

    A replay of a log that is compacted already finds fewer of them; `Tombstoned` keeps the count.
    """

    account: str
    profile: str
    requested_at: int
    offset: int
    events: int
    erased: list[int]

    @classmethod
    def of(cls, event: ProfileForgotten, offset: int, erased: list[int]) -> "Receipt":
        events = max(event.events, len(erased))
        return cls(event.account, event.id, event.at, offset, events, erased)


class Tombstoned(msgspec.Struct, array_like=True, frozen=True):
    """When the last tombstone of a deletion left, in unix milliseconds, and how many records there were."""

    at: int
    events: int


class Purged(msgspec.Struct, array_like=True, frozen=True):
    """When it was seen that nothing is left of a deletion, in unix milliseconds, and how much it erased."""

    at: int
    events: int
    bytes: int | None = None


class Waiting(msgspec.Struct, array_like=True, frozen=True):
    """What the purge of a deletion searches for, beside the offsets in its receipt.

    `ids` are the profiles that it erased, `user` is the keyed uid hash, `claims` are (partition, key) of
    the email claims that it withdrew.
    """

    account: str
    requested_at: int
    ids: list[str]
    user: bytes
    claims: list[tuple[int, bytes]]


_encoder: Final = msgspec.msgpack.Encoder()

encode_receipt = encode_tombstoned = encode_purged = encode_waiting = _encoder.encode
decode_receipt: Final = msgspec.msgpack.Decoder(Receipt).decode
decode_tombstoned: Final = msgspec.msgpack.Decoder(Tombstoned).decode
decode_purged: Final = msgspec.msgpack.Decoder(Purged).decode
decode_waiting: Final = msgspec.msgpack.Decoder(Waiting).decode
