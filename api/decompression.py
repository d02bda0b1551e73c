"""Decompresses request bodies in small steps: gzip and zstd, several members or frames too (contract §4)."""

import zlib
from collections.abc import AsyncIterable, Iterator
from typing import Final, Protocol

import zstandard

from api.commands.pacing import paced
from schemas.errors import NotJson, TooLarge, Unprocessable

MAX_MEMBERS: Final = 10_000
"""Members or frames of one body; each takes some 10 us, however little it holds."""

# What lies behind a member is copied at the member's end, so little of it is given at once.
_GZIP_SLICE: Final = 4096
_GZIP_STEP: Final = 1 << 16
# A zstd block of four bytes can stand for 128 KiB, so compressed input is fed in slices that cannot say much.
_ZSTD_SLICE: Final = 128
_ZSTD_WINDOW: Final = 8 << 20


async def collect(
    chunks: AsyncIterable[bytes], encoding: str, limit: int, too_large: TooLarge
) -> bytes:
    """Decompress chunks as they come, into at most `limit` bytes, from at most as many.

    Raises `too_large` as soon as it is known to be longer, so that neither a long body nor a
    decompression bomb costs memory; `NotJson` when it cannot be decompressed; `Unprocessable` for
    an unknown encoding. The loop is free for others every 2 ms.
    """
    decompress = decoder(encoding)
    body = bytearray()
    arrived = 0
    async for chunk in chunks:
        arrived += len(chunk)
        if arrived > limit:
            raise too_large
        if decompress is None:
            body += chunk
            continue
        async for part in paced(decompress.decode(chunk)):
            body += part
            if len(body) > limit:
                raise too_large
    if decompress is not None and not decompress.finished:
        raise NotJson(f"The body is not complete {encoding}")
    return bytes(body)


class Decoder(Protocol):
    """Decompresses what it is given, in order; `finished` after the end of a member or frame."""

    finished: bool

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes stand for, in small parts. Raises `NotJson` where they are damaged."""
        ...


def decoder(encoding: str) -> Decoder | None:
    """The decoder of a Content-Encoding; None for an empty one. Raises `Unprocessable`."""
    if not encoding:
        return None
    match encoding:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "zstd":
            return _Zstd()
        case _:
            raise Unprocessable("Content-Encoding: send gzip, zstd or nothing")


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._members = 1
        self.finished = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _GZIP_SLICE):
            rest = data[start : start + _GZIP_SLICE]
            while rest:
                if self._stream.eof:
                    self._members = _counted(self._members, "gzip members")
                    self._stream = zlib.decompressobj(wbits=31)
                try:
                    part = self._stream.decompress(rest, _GZIP_STEP)
                except zlib.error:
                    raise NotJson("The body is not gzip") from None
                self.finished = self._stream.eof
                rest = self._stream.unused_data if self.finished else self._stream.unconsumed_tail
                yield part


class _Zstd:
    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._stream = self._decompressor.decompressobj()
        self._frames = 1
        self.finished = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            rest = data[start : start + _ZSTD_SLICE]
            while rest:
                if self._stream.eof:
                    self._frames = _counted(self._frames, "zstd frames")
                    self._stream = self._decompressor.decompressobj()
                try:
                    part = self._stream.decompress(rest)
                except zstandard.ZstdError:
                    raise NotJson("The body is not zstd") from None
                self.finished = self._stream.eof
                rest = self._stream.unused_data
                yield part


def _counted(members: int, what: str) -> int:
    if members == MAX_MEMBERS:
        raise NotJson(f"The body has more than {MAX_MEMBERS} {what}: compress it as one")
    return members + 1
