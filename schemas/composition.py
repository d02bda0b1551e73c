"""Unicode's composed form (NFC), in time that grows with the length of the text only.

Python sorts the marks behind a letter by insertion, so a letter with 100,000 marks of two classes takes minutes. Here
a long run of marks is sorted first, which changes nothing that NFC gives, and then nothing is left to be moved.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final
from unicodedata import combining, normalize

MAX_MARKS: Final = 768
"""Marks of one combining class that stay in a run. Each has two bytes of UTF-8 or more, so the first 768 bytes, which
are all that is kept of any text (contract §9), are the same with all of them."""

_SHORT: Final = 64
_SLICE: Final = 1 << 16  # between two of them another thread can run
_LAST_MARK: Final = 0x1E94A

# The characters that have no combining class and decompose into marks that have one.
_DECOMPOSED: Final = {"\u0f73": "\u0f71\u0f72", "\u0f75": "\u0f71\u0f74", "\u0f81": "\u0f71\u0f80"}


def compose(text: str) -> str:
    """NFC of `text`; of a run of more than `MAX_MARKS` marks of one combining class, of the first ones."""
    return text if text.isascii() else normalize("NFC", sort_marks(text))


def sort_marks(text: str) -> str:
    """`text` with each long run of combining marks sorted and bounded, as :func:`compose` says."""
    if len(text) <= _SHORT or text.isascii():
        return text
    for character, marks in _DECOMPOSED.items():
        text = text.replace(character, marks)
    return _likely_runs().sub(lambda likely: _runs().sub(_sort, likely[0]), text)


def _sort(found: re.Match[str]) -> str:
    """A run by combining class, the marks of one class in their order."""
    run = found[0]
    slices = (run[start : start + _SLICE] for start in range(0, len(run), _SLICE))
    classes = b"".join(bytes(map(combining, slice_)) for slice_ in slices)
    kept: list[str] = []
    for class_ in sorted(set(classes)):
        at = classes.find(class_)
        for _ in range(MAX_MARKS):
            kept.append(run[at])
            at = classes.find(class_, at + 1)
            if at < 0:
                break
    return "".join(kept)


def character_ranges(belongs: Callable[[str], object]) -> str:
    """The characters up to the last combining mark that belong, as the inside of a regular expression's ``[…]``."""
    ranges: list[list[int]] = []
    for code in range(_LAST_MARK + 1):
        if belongs(chr(code)):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


# 10 ms to make, so not before there is a text that needs it.
@cache
def combining_marks() -> str:
    """The characters that have a combining class, as the inside of a regular expression's ``[…]``."""
    return character_ranges(combining)


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(f"[{combining_marks()}]{{{_SHORT + 1},}}")


# `re` looks a character up in a bitmap, but goes through every range of the other planes: 0.1 us a character.
@cache
def _likely_runs() -> re.Pattern[str]:
    marks = character_ranges(lambda character: character <= "\uffff" and combining(character))
    return re.compile(f"[{marks}\\U00010000-\\U0010ffff]{{{_SHORT + 1},}}")
