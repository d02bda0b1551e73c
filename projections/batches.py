"""What is known of a batch (contract §4)."""

import zlib
from collections.abc import Iterable
from typing import Final

import msgspec

from schemas.errors import ItemError
from schemas.events import BatchReceived
from schemas.identifiers import ordinal

# What may stand in one event, which has 2 MiB: beyond it a repeat is handled again.
_MAX_ERROR_BYTES: Final = 1 << 20
_ORDINAL: Final = "\0"


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Counts of a batch's items and, per partition, the offset of its last event.

    `errors`, by `encode_errors`, are those of the answer that do not follow from the items alone; empty when a repeat
    is not answered like the first.
    """

    account: str
    created_at: int
    received: int
    accepted: int
    skipped: int
    failed: int
    last: dict[str, int]
    errors: bytes = b""

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
            event.errors,
        )


_decoder: Final = msgspec.msgpack.Decoder(Batch)

encode = msgspec.msgpack.Encoder().encode
decode = _decoder.decode


class _Alike(msgspec.Struct, array_like=True):
    """Errors with one text but for the item's ordinal; `steps` lead from each index to the next."""

    code: int
    text: str
    steps: list[int]


_alike: Final = msgspec.msgpack.Decoder(list[_Alike])


def encode_errors(errors: Iterable[ItemError]) -> bytes:
    """Errors, in order of their index, in few bytes: most of 265,000 say the same. Empty when they do not fit."""
    groups: dict[tuple[int, str], tuple[_Alike, int]] = {}
    for code, index, message in map(msgspec.structs.astuple, errors):
        text = message.replace(ordinal(index + 1), _ORDINAL, 1)
        group, before = groups.get((code, text)) or (_Alike(code, text, []), 0)
        group.steps.append(index - before)
        groups[code, text] = group, index
    encoded = zlib.compress(encode([group for group, _ in groups.values()]))
    return encoded if len(encoded) <= _MAX_ERROR_BYTES else b""


def decode_errors(encoded: bytes) -> list[ItemError]:
    """What `encode_errors` was given."""
    found: list[ItemError] = []
    for group in _alike.decode(zlib.decompress(encoded)):
        index = 0
        for step in group.steps:
            index += step
            message = group.text.replace(_ORDINAL, ordinal(index + 1), 1)
            found.append(ItemError(group.code, index, message))
    return sorted(found, key=lambda error: error.index)
