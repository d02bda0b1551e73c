"""Cursors: where in the order of a search the next page begins (contract §6).

A cursor is opaque to clients and belongs to one account and one order. It grants nothing: whatever
it holds, a search shows its own account's profiles only. So its check is no signature, it distinguishes a
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


class SortKey(NamedTuple):
    """Where a profile stands in the order of a search: Unix milliseconds of its creation, then its id.

    Neither ever changes, so it outlives every write, the profile's own end too.
    """

    created: int
    id: str


def encode_cursor(sort_key: SortKey, account: str) -> str:
    """The cursor of this sort key, for this account: 36 characters that a URL takes as they are."""
    payload = sort_key.created.to_bytes(_MS_BYTES) + bytes.fromhex(sort_key.id)
    return urlsafe_b64encode(payload + _check(payload, account)).decode()


def decode_cursor(text: str, account: str) -> SortKey | None:
    """The sort key that a cursor of this account stands for; None for any other text."""
    if len(text) != _TEXT_LENGTH:
        return None
    try:
        whole = b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    payload, check = whole[:-_CHECK_BYTES], whole[-_CHECK_BYTES:]
    if check != _check(payload, account):
        return None
    return SortKey(int.from_bytes(payload[:_MS_BYTES]), payload[_MS_BYTES:].hex())


def _check(payload: bytes, account: str) -> bytes:
    digest = blake2b(payload, digest_size=_CHECK_BYTES, person=b"search-cursor")
    digest.update(_ORDER + b":" + account.encode())
    return digest.digest()
