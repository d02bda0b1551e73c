"""How much is kept of a property, and how much of it may be sent at once (contract §9)."""

from typing import Final

MAX_BYTES: Final = 768
"""UTF-8 bytes that are kept of each scalar, array item, hash value and name."""

MAX_NAMES: Final = 20_000
"""Names of one write; with more, folding it would hold the loop for too long."""

MAX_HASH_LEVELS: Final = 3
MAX_DEPTH: Final = 100
"""Hashes and arrays inside each other; beyond, a property is refused."""

NEVER_OVER: Final = MAX_BYTES // 4
"""So many characters always fit."""


def cut(text: str) -> str:
    """The first 768 bytes of UTF-8, cut at a character."""
    if len(text) <= NEVER_OVER:
        return text
    return text[:MAX_BYTES].encode()[:MAX_BYTES].decode(errors="ignore")
