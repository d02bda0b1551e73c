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


_encoder: Final = msgspec.msgpack.Encoder()

encode_receipt = encode_tombstoned = _encoder.encode
decode_receipt: Final = msgspec.msgpack.Decoder(Receipt).decode
decode_tombstoned: Final = msgspec.msgpack.Decoder(Tombstoned).decode
