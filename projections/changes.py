"""The "changed" rows: which profiles the search index has to look at again (design "Search index").

A slice of the log leaves one row, written with its fold, because what a row costs is its key. It holds the profile ids,
12 bytes each, of who was changed and who was erased: nothing else of anybody.
"""

from collections.abc import Iterable
from typing import Final

_ID_BYTES: Final = 12


def encode(ids: Iterable[str]) -> bytes:
    return bytes.fromhex("".join(ids))


def decode(row: bytes) -> list[str]:
    return [row[at : at + _ID_BYTES].hex() for at in range(0, len(row), _ID_BYTES)]
