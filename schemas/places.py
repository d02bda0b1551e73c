"""Where a stream of changes resumes: the `id:` of an event (contract §13).

Opaque to clients, and of one account and one log. Like a search's cursor it grants nothing, so its check is no
signature: it tells a place from what never was one, from one of another account and from one of another log.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

_CHECK_BYTES: Final = 9


class ChangePlace(NamedTuple):
    """The offsets in ``profiles``, per partition, from which on a consumer has not seen anything.

    `at`, in unix milliseconds, is a time at which it knew everything below all of them.
    """

    at: int
    offsets: tuple[int, ...]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[int, tuple[int, ...]])


def encode_place(place: ChangePlace, account: str, log: str) -> str:
    """The `id:` of this place: letters, digits, `-`, `_` and `=`; 12 characters and some 6 per partition."""
    said = _encoder.encode(place)
    return urlsafe_b64encode(_check(said, account, log) + said).decode()


def decode_place(text: str, account: str, log: str) -> ChangePlace | None:
    """The place that an `id:` of this account and this log stands for; None for any other text."""
    try:
        whole = urlsafe_b64decode(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        return None
    check, said = whole[:_CHECK_BYTES], whole[_CHECK_BYTES:]
    return ChangePlace(*_decoder.decode(said)) if check == _check(said, account, log) else None


def _check(said: bytes, account: str, log: str) -> bytes:
    digest = blake2b(said, digest_size=_CHECK_BYTES, person=b"change-place")
    digest.update(f"{log}:{account}".encode())
    return digest.digest()
