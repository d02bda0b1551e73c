"""Substrings, as patterns over the texts of one path (contract §6).

Every distinct text of the property is tested, in all accounts, and no index helps: 0.3 us each to find who holds it,
0.1 us to count them (`projections.search.counting`).

tantivy takes a pattern of 1,000 states. Four names of 64 bytes and 64 characters of any script, each
in all its cases, stay below that (`encoding.encode_name`, contract §6).
"""

import re
from collections import defaultdict
from functools import cache, lru_cache
from typing import Final

from projections.search.encoding import encode_name, encode_part, encode_text
from schemas.search.conditions import Condition, Contains

_LAST_CASED: Final = 0x1E943  # no character behind it has another case

# A term of tantivy's JSON fields: names, a separator between them, an end, the type, the value.
_BETWEEN_NAMES: Final = "\x01"
_TEXT_FOLLOWS: Final = "\x00s"


def seeks_substring(condition: Condition) -> bool:
    """Whether its cost grows with the number of distinct texts: it asks for a substring."""
    return isinstance(condition, Contains) and condition.text != ""


def term_pattern(condition: Contains) -> str:
    """The regular expression of the terms, of all paths, whose text holds the substring at its path."""
    path = _BETWEEN_NAMES.join(map(encode_name, condition.path))
    return re.escape(path + _TEXT_FOLLOWS) + text_pattern(condition)


def text_pattern(condition: Contains) -> str:
    """The regular expression of the encoded texts that hold the substring.

    Whatever is an operator in it was put there here: each character of the substring stands for
    itself, or for itself in another case.
    """
    spelled = _ignoring_case if condition.ignore_case else _literal
    return f"{re.escape(encode_text(''))}.*{''.join(map(spelled, condition.text))}.*"


def _literal(character: str) -> str:
    return re.escape(encode_part(character))


@lru_cache(maxsize=4096)
def _ignoring_case(character: str) -> str:
    alike = _alike().get(character.casefold(), [character])
    return f"(?:{'|'.join(map(_literal, alike))})" if len(alike) > 1 else _literal(character)


@cache
def _alike() -> dict[str, list[str]]:
    """The characters that case-fold to the same text, by that text, where they are several."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for character in map(chr, range(_LAST_CASED + 1)):
        groups[character.casefold()].append(character)
    return {folded: alike for folded, alike in groups.items() if len(alike) > 1}
