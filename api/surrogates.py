"""Lone surrogates in JSON, which are JSON but no text.

A decoder refuses the whole body for one. They are replaced by U+0001 before it is decoded again, and the rule against
control characters then refuses them where they are (contract §9).
"""

import re
from collections.abc import Iterator
from typing import Final

_SLICE: Final = 1 << 16
_CONTEXT: Final = 12  # bytes of two escapes: what shows on both sides whether a surrogate is lone
_HIDDEN: Final = b"\x01"  # never in JSON
_LONE: Final = re.compile(
    rb"\\u[dD](?:"
    rb"[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)


def may_hold_surrogates(body: bytes) -> bool:
    """Whether searching for lone surrogates is worth its time."""
    return (rb"\ud" in body or rb"\uD" in body) and _HIDDEN not in body


def replace_surrogates(body: bytes) -> Iterator[bytes]:
    """The body with each lone surrogate as `\\u0001`, in parts of at most 64 KiB; pairs stay.

    Time and memory grow with the length alone, and each part takes some milliseconds at most.
    """
    hidden = bytearray()
    for part in _hide_backslashes(body):
        hidden += part
        yield b""
    for start in range(0, len(hidden), _SLICE):
        before = max(0, start - _CONTEXT)
        replaced = _LONE.sub(rb"\\u0001", hidden[before : start + _SLICE + _CONTEXT])
        part = replaced[start - before : start - before + _SLICE]
        yield part.replace(_HIDDEN, b"\\")


def _hide_backslashes(body: bytes) -> Iterator[bytes]:
    """Parts in which no escaped backslash is left, so that each backslash begins an escape."""
    start = 0
    while start < len(body):
        part = body[start : start + _SLICE]
        ends_within_a_pair = (len(part) - len(part.rstrip(b"\\"))) % 2 == 1
        if ends_within_a_pair and len(part) == _SLICE:
            part = part[:-1]
        start += len(part)
        yield part.replace(b"\\\\", 2 * _HIDDEN)
