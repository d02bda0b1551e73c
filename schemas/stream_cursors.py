"""Where a stream of changes resumes: the `id:` of an event (contract §13).

Opaque to clients, and of one account and one log. Like a search's cursor it grants nothing, so its check is no
signature: it distinguishes a cursor from what never was one, from one of another account and from one of another log.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

_CHECK_BYTES: Final = 9


class StreamCursor(NamedTuple):
    """The offsets in ``profiles``, per partition, from which on a consumer has not seen anything.

    `at`, in unix milliseconds, is a time at which it knew everything below all of them.
    """

    at: int
    offsets: tuple[int, ...]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[int, tuple[int, ...]])


def encode_stream_cursor(cursor: StreamCursor, account: str, log: str) -> str:
    """The `id:` of this cursor: letters, digits, `-`, `_` and `=`; 12 characters and some 6 per partition."""
    encoded = _encoder.encode(cursor)
    return urlsafe_b64encode(_check(encoded, account, log) + encoded).decode()


def decode_stream_cursor(text: str, account: str, log: str) -> StreamCursor | None:
    """The cursor that an `id:` of this account and this log stands for; None for any other text."""
    try:
        whole = urlsafe_b64decode(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        return None
    check, encoded = whole[:_CHECK_BYTES], whole[_CHECK_BYTES:]
    if check != _check(encoded, account, log):
        return None
    return StreamCursor(*_decoder.decode(encoded))


def _check(encoded: bytes, account: str, log: str) -> bytes:
    digest = blake2b(encoded, digest_size=_CHECK_BYTES, person=b"change-place")
    digest.update(f"{log}:{account}".encode())
    return digest.digest()
