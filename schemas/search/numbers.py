"""Numbers of more digits than §9 converts: they are stored as texts, or asked for by texts (contract §6). Pure."""

import re
from math import isfinite
from typing import Final

from schemas.property_limits import MAX_BYTES

# Fewer digits are converted before they are stored.
_STORED: Final = re.compile(r"-?[1-9][0-9]{15,}", re.ASCII)
_INTEGER: Final = re.compile(r"-?[0-9]+", re.ASCII)
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_LONG: Final = 15
_DIGITS: Final = frozenset("0123456789")


def stored_integer(text: str) -> int | None:
    """The integer that a stored text spells: how §9 keeps one of more than 64 bits, and a text of many digits."""
    if len(text) <= _LONG or text[-1] not in _DIGITS or _STORED.fullmatch(text) is None:
        return None
    return int(text)


def asked_number(value: object) -> float | None:
    """The number that a filter's value means, whatever its number of digits; None where it means none.

    A text of digits alone means the integer that it spells, leading zeros included. Digits beyond those that are
    stored (`MAX_BYTES`) are cut off, as they are from what is stored.
    """
    if isinstance(value, str):
        text = value[:MAX_BYTES]
        if _INTEGER.fullmatch(text) is not None:
            return int(text)
        number = float(text) if _FRACTION.fullmatch(text) is not None else None
        return number if number is not None and isfinite(number) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return int(str(value)[:MAX_BYTES]) if value.bit_length() > 3 * MAX_BYTES else value
    return value if isinstance(value, float) else None
