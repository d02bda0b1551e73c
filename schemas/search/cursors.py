"""Cursors: where in the order of a search the next page begins (contract §6).

A cursor is opaque to clients and belongs to one account and one order. It grants nothing: whatever
it says, a search shows its own account's profiles only. So its check is no signature, it tells a
cursor from what never was one, and from one of another account.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final, NamedTuple

from schemas.identity import ID_LENGTH

_MS_BYTES: Final = 6
_ID_BYTES: Final = ID_LENGTH // 2
_CHECK_BYTES: Final = 9
_LENGTH: Final = _MS_BYTES + _ID_BYTES + _CHECK_BYTES  # a multiple of three: no padding
_TEXT_LENGTH: Final = _LENGTH // 3 * 4
_ORDER: Final = b"created"  # newest created first, then by id: the one order there is


class Place(NamedTuple):
    """A profile's place in the order: Unix milliseconds of its creation, then its id.

    Neither ever changes, so a place outlives every write, the profile's own end too.
    """

    created: int
    id: str


def encode_cursor(place: Place, account: str) -> str:
    """The cursor of this place, for this account: 36 characters that a URL takes as they are."""
    said = place.created.to_bytes(_MS_BYTES) + bytes.fromhex(place.id)
    return urlsafe_b64encode(said + _check(said, account)).decode()


def decode_cursor(text: str, account: str) -> Place | None:
    """The place that a cursor of this account stands for; None for any other text."""
    if len(text) != _TEXT_LENGTH:
        return None
    try:
        whole = b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    said, check = whole[:-_CHECK_BYTES], whole[-_CHECK_BYTES:]
    if check != _check(said, account):
        return None
    return Place(int.from_bytes(said[:_MS_BYTES]), said[_MS_BYTES:].hex())


def _check(said: bytes, account: str) -> bytes:
    digest = blake2b(said, digest_size=_CHECK_BYTES, person=b"search-cursor")
    digest.update(_ORDER + b":" + account.encode())
    return digest.digest()
