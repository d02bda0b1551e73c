"""Request bodies: read as they come, never over their limit, and decoded as JSON (contract §2, §4)."""

import codecs
import re
import zlib
from collections.abc import AsyncIterable, Iterator, Mapping
from typing import Final, Protocol, TypeVar

import msgspec
import zstandard

from api.incoming import Incoming
from schemas.errors import NotJson, TooLarge, Unprocessable

# A zstd block of four bytes can stand for 128 KiB, so compressed input is fed in slices that cannot say much.
_ZSTD_SLICE: Final = 128
_ZSTD_WINDOW: Final = 8 << 20
_UTF8_SLICE: Final = 1 << 20
_PLAIN: Final = ("", "identity")
_TOO_DEEP: Final = "The body is nested too deeply"
_NOT_JSON: Final = "The body is not JSON"

_Body = TypeVar("_Body")


async def read_body(request: Incoming, limit: int, too_large: TooLarge) -> bytes:
    """The body of a request, decompressed, of at most `limit` bytes; raises like `collect`."""
    headers = request.fields
    encoding = headers.get("content-encoding", "").strip().lower()
    declared = headers.get("content-length", "")
    if encoding in _PLAIN and declared.isdigit() and int(declared) > limit:
        raise too_large
    return await collect(request.stream(), encoding, limit, too_large)


async def collect(
    chunks: AsyncIterable[bytes], encoding: str, limit: int, too_large: TooLarge
) -> bytes:
    """Decompress chunks as they come, into at most `limit` bytes.

    Raises `too_large` as soon as it is known to be longer, so that neither a long body nor a
    decompression bomb costs memory; `NotJson` when it cannot be decompressed; `Unprocessable` for
    an unknown encoding.
    """
    decoder = _decoder(encoding)
    body = bytearray()
    async for chunk in chunks:
        for part in (chunk,) if decoder is None else decoder.decode(chunk):
            body += part
            if len(body) > limit:
                raise too_large
    if decoder is not None and not decoder.finished:
        raise NotJson(f"The body is not complete {encoding}")
    return bytes(body)


class _Decoder(Protocol):
    finished: bool

    def decode(self, data: bytes) -> Iterator[bytes]: ...


def _decoder(encoding: str) -> _Decoder | None:
    if encoding in _PLAIN:
        return None
    match encoding:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "zstd":
            return _Zstd()
        case _:
            raise Unprocessable("Content-Encoding: send gzip, zstd or nothing")


class _Gzip:
    """Decompresses gzip, several members too, in bounded steps."""

    _STEP: Final = 1 << 16

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self.finished = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._stream = zlib.decompressobj(wbits=31)
            try:
                part = self._stream.decompress(data, self._STEP)
            except zlib.error:
                raise NotJson("The body is not gzip") from None
            self.finished = self._stream.eof
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            yield part


class _Zstd:
    """Decompresses zstd, several frames too, in bounded steps."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._stream = self._decompressor.decompressobj()
        self.finished = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            slice_ = data[start : start + _ZSTD_SLICE]
            while slice_:
                if self._stream.eof:
                    self._stream = self._decompressor.decompressobj()
                try:
                    part = self._stream.decompress(slice_)
                except zstandard.ZstdError:
                    raise NotJson("The body is not zstd") from None
                self.finished = self._stream.eof
                slice_ = self._stream.unused_data
                yield part


def decode_json(body: bytes, kind: type[_Body]) -> _Body:
    """The body as `kind`. Raises `NotJson`, or `Unprocessable` when it is JSON of another shape.

    A lone surrogate is JSON, but no text: it is read as U+0001, which the rule against control characters then
    refuses by its place (contract §9).
    """
    try:
        return _decode(body, kind)
    except NotJson:
        mended = _mend_surrogates(body)
        if mended == body:
            raise
        return _decode(mended, kind)


def _decode(body: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        if "out of range" in str(error):
            raise NotJson(f"{_NOT_JSON}: it holds a number out of range") from None
        raise Unprocessable(f"The body has the wrong shape: {_place(error)}") from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotJson(_NOT_JSON) from None


def _place(error: msgspec.ValidationError) -> str:
    """What msgspec says of types and places; it names no value."""
    return re.sub(r"`\$\.?", "`", str(error))


_SURROGATES: Final = re.compile(
    rb"\\\\"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def _mend_surrogates(body: bytes) -> bytes:
    """Lone surrogates become an escaped control character of the same length; pairs stay."""
    return _SURROGATES.sub(
        lambda found: b"\\u0001" if len(found[0]) == len(b"\\ud800") else found[0], body
    )


def check_utf8(body: bytes) -> None:
    """Raises `NotJson` unless the body is UTF-8; in slices, so that no copy of a large body is made."""
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        for start in range(0, len(view), _UTF8_SLICE):
            decoder.decode(view[start : start + _UTF8_SLICE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise NotJson(_NOT_JSON) from None


def as_object(value: object) -> Mapping[str, object]:
    """A decoded body that has to be a JSON object. Raises `Unprocessable`."""
    if not isinstance(value, dict):
        raise Unprocessable("The body must be a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType] - JSON decoding makes text keys


async def read_object(request: Incoming, limit: int) -> Mapping[str, object]:
    """A body that is one JSON object, of at most `limit` bytes; an empty body is an empty object."""
    body = await read_body(request, limit, TooLarge(f"The body must be at most {limit} bytes"))
    return as_object(decode_json(body, object)) if body else {}
