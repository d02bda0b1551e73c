"""Values as terms that tantivy leaves alone, compared as the contract compares them (contract §6).

Left to itself tantivy takes texts for dates, and its query grammar, which ranges have to be written
in, takes them for numbers and breaks at blanks and brackets. So a text is indexed with a sign in
front, which makes it a text for good, and with what the grammar cannot hold replaced by what it
can, in an order-preserving way.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from schemas.properties import ValueType
from schemas.search.conditions import Path

LARGE: Final = 1 << 53
"""Numbers from here on, up and down, are no longer all exact as doubles."""

_SIGN: Final = "="


def encode_name(name: str) -> str:
    """A property's name as it stands in a path: a long one by its hash.

    What a substring is found by has room for the names of its path only when they are short
    (`projections.search.substring`).
    """
    return name if len(name) <= _SURELY_SHORT else _encode_long_name(name)


def encode_path(path: Path) -> str:
    """The names of a path, dotted."""
    return ".".join(map(encode_name, path))


@lru_cache(maxsize=8192)
def _encode_long_name(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    return _HASHED + blake2b(encoded, digest_size=16).hexdigest()


MAX_NAME_BYTES: Final = 64
"""UTF-8 bytes of the longest name that is not hashed."""
_SURELY_SHORT: Final = MAX_NAME_BYTES // 4
_HASHED: Final = "H"  # no normalized name has a capital of ASCII (contract §9)


def encode_text(text: str) -> str:
    """`text` as a term: same order by code point, no blank, quote or bracket in it.

    Raises nothing: a stored text has no control character but tab, line feed, carriage return.
    """
    return _SIGN + (text if _BREAKS_GRAMMAR(text) is None else text.translate(_REPLACEMENTS))


def encode_part(text: str) -> str:
    """A piece from the middle of a text, as it stands within the text's term."""
    return text.translate(_REPLACEMENTS)


def _make_replacements() -> dict[int, str]:
    """Each character that breaks the grammar is written as the next one that does not, and a number.

    ``[`` is ``\\`` and the first, so ``\\`` itself is ``\\`` and the second. Blanks below ``!`` come
    before all else that is stored, so they get control characters of their own.
    """
    replacements = {
        ord(blank): chr(number) for number, blank in enumerate("\t\n\r ", start=_FIRST_BLANK)
    }
    run: list[str] = []
    for code in range(0x21, 0x3002):
        character = chr(code)
        if character in _FORBIDDEN:
            run.append(character)
        elif run:
            for number, broken in enumerate((*run, character), start=_FIRST_NUMBER):
                replacements[ord(broken)] = character + chr(number)
            run.clear()
    return replacements


# Control characters, which no stored text has, and which the grammar takes; two runs of them, so
# that a piece of a term is never taken for another.
_FIRST_BLANK: Final = 0x01
_FIRST_NUMBER: Final = 0x0E
_FORBIDDEN: Final = frozenset(
    '"()[]{}\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000' + "".join(map(chr, range(0x2000, 0x200B)))
)
_REPLACEMENTS: Final = _make_replacements()
_BREAKS_GRAMMAR: Final = re.compile(f"[{re.escape(''.join(map(chr, _REPLACEMENTS)))}]").search


def is_large(number: float) -> bool:
    """Whether `number` is indexed by `encode_large`."""
    return not -LARGE < number < LARGE


def encode_large(number: float) -> str:
    """A large number as a term: same order, integers and floats together, none of them rounded.

    A large float is whole. Its sign, how many digits it has, and these; of a negative one the complements.
    """
    digits = str(abs(int(number)))
    if number > 0:
        return f"{_SIGN}p{len(digits):03}{digits}"
    return f"{_SIGN}n{_MOST_DIGITS - len(digits):03}{digits.translate(_COMPLEMENTS)}"


BETWEEN_LARGE: Final = f"{_SIGN}o"
"""The term above all that are large and negative, and below all that are large and positive."""

_MOST_DIGITS: Final = 999  # stored are at most 768
_COMPLEMENTS: Final = str.maketrans("0123456789", "9876543210")


def plain_number(number: float) -> float:
    """12.0 as 12: one number, one term."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


# --- names


def account_prefix(account: str) -> str:
    """What the terms of an account's properties begin with, and those of few others.

    It keeps them together; whose they are the account's own term says. The whole id, twenty times in a profile, would
    cost a tenth of its time.
    """
    return f"{account[:_PREFIX_DIGITS]},"


def name_term(name_prefix: str, type_: ValueType) -> str:
    """A profile has a property with a value of this type. `name_prefix` ends in its dotted name.

    A comma, which no name has, comes before all that names have: terms are in the order of the names.
    """
    return f"{name_prefix},{type_}"


def event_term(account: str, name: str) -> str:
    """A profile has a tracked event of this name. Those of an account begin with that of "", and no property's does."""
    return f"{account[:_PREFIX_DIGITS]};{name}"


_PREFIX_DIGITS: Final = 6


# --- marks: one term for what is there without a value in a column


def mark_null(path: str) -> str:
    """The property at this dotted path is null."""
    return f"n{path}"


def mark_container(path: str) -> str:
    """The property is an array or a hash, empty or not."""
    return f"c{path}"


def mark_text_item(path: str, text: str) -> str:
    """The property is an array that has this text."""
    return f"s{path}={text}"


def mark_number_item(path: str, number: float) -> str:
    """The property is an array that has this number, whatever its spelling."""
    return f"i{path}={plain_number(number)}"


def mark_boolean_item(path: str, value: bool) -> str:
    """The property is an array that has this boolean."""
    return f"b{path}={value}"


def mark_time_item(path: str, ms: int) -> str:
    """The property is an array that has this timestamp."""
    return f"t{path}={ms}"
