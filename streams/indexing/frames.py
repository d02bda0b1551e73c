"""What the service and the process of the search index say to each other: requests, each with one answer, in order.

A frame is its length, 4 bytes, little-endian, and one message in MessagePack. Both ends are of one version.
"""

import struct
from collections.abc import Iterator
from typing import Final

import msgspec

_LENGTH: Final = struct.Struct("<I")


class Open(msgspec.Struct, tag=0, array_like=True):
    """Opens the index under `root`, of this `origin` (`SearchIndex`)."""

    root: str
    origin: str


class Changes(msgspec.Struct, tag=1, array_like=True):
    """Profiles of one partition as they are now: their stored rows, undecoded; None for who is gone.

    `counters` has the rows of counters (`projections.tracking`) by the ids of those who have any. What is `added` is
    for a rebuild alone.
    """

    partition: int
    ids: list[str]
    rows: list[bytes | None]
    counters: dict[str, list[bytes]]
    added: bool


class Commit(msgspec.Struct, tag=2, array_like=True):
    """Makes all changes that were sent before part of the files."""


class BeginRebuild(msgspec.Struct, tag=3, array_like=True):
    """Starts a generation that gets what is added, and every change."""


class FinishRebuild(msgspec.Struct, tag=4, array_like=True):
    """Commits the new generation and names it as the one in use."""


class AbandonRebuild(msgspec.Struct, tag=5, array_like=True):
    """Removes the new generation."""


class RemoveOthers(msgspec.Struct, tag=6, array_like=True):
    """Removes every generation that is not in use: no search will open one again."""


Request = Open | Changes | Commit | BeginRebuild | FinishRebuild | AbandonRebuild | RemoveOthers


class Answer(msgspec.Struct, array_like=True):
    """The request was done: `generation` is in use then. Or it `failed`, of this kind of error, and the process ends.

    `damage` says what was wrong with an index that is not used for that.
    """

    generation: int | None = None
    damage: str | None = None
    failed: str | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
decode_request: Final = msgspec.msgpack.Decoder(Request).decode
decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode


def frame(message: Request | Answer) -> bytes:
    """The bytes that say it."""
    encoded = _encode(message)
    return _LENGTH.pack(len(encoded)) + encoded


class Frames:
    """Takes a stream of frames apart."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now."""
        received = self._received
        received += data
        while len(received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(received)[0]
            if len(received) < end:
                return
            yield bytes(received[_LENGTH.size : end])
            del received[:end]
