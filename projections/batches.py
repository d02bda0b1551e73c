"""What is known of a batch (contract §4)."""

from typing import Final

import msgspec

from schemas.events import BatchReceived


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Counts of a batch's items and, per partition, the offset of its last event."""

    account: str
    created_at: int
    received: int
    accepted: int
    skipped: int
    failed: int
    last: dict[str, int]

    @classmethod
    def of(cls, event: BatchReceived) -> "Batch":
        return cls(
            event.account,
            event.at,
            event.received,
            event.accepted,
            event.skipped,
            event.failed,
            event.last,
        )


_decoder: Final = msgspec.msgpack.Decoder(Batch)

encode = msgspec.msgpack.Encoder().encode
decode = _decoder.decode
