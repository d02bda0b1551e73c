"""What a property is called: its normalized name, and the names that are none of a product's own (contract §9)."""

import re
from functools import cache, lru_cache
from typing import Final
from unicodedata import category

from schemas.composition import character_ranges, combining_marks, compose
from schemas.property_limits import MAX_BYTES, cut

IDENTIFIERS: Final = frozenset({"uid", "email", "company_uid", "company_id"})
"""Names whose values say who is meant; never converted."""

NOT_SETTABLE: Final = frozenset(
    {"id", "created_at", "updated_at", "percent", "company", "last_cleared_at"}
)
"""Names that only the service sets."""


def normalize_name(name: str) -> str:
    """`name` as it is stored (contract §9); "" when nothing is left.

    Words are joined by ``_`` and lower-cased. A word is letters and digits of any script, with
    their accents (composed, NFC); emoji and the rest separate words. Inside a run of letters a new
    word begins:

    * at a capital after a small letter, when another letter follows: ``userRole``, ``userID``,
      but ``ImporteD leads`` is ``imported_leads``;
    * at the last capital of several, when a small letter follows: ``HTTPServer`` is
      ``http_server``, but for a plural: ``userIDs`` is ``user_ids``;
    * at a capital after a digit, when a small letter follows: ``line2Street`` is
      ``line2_street``, ``B2B`` is ``b2b``.
    """
    if len(name) <= MAX_BYTES // 3:
        return _normalize_short_name(name)
    return _join_words(_head(name) if len(name) > _LONG_NAME else name)


def _join_words(name: str) -> str:
    if _NORMALIZED.fullmatch(name) and len(name) <= MAX_BYTES:
        return name
    name = compose(name)
    shape = "".join(map(_kind, name))
    words = [name[word.start() : word.end()] for word in _WORD.finditer(shape)]
    joined = compose("_".join(words).lower())
    return cut(joined).rstrip("_")


_NORMALIZED: Final = re.compile(r"[a-z0-9]++(?:_[a-z0-9]++)*+")  # most names are, and stay so


# Bounded in number and, as long names go around it, in bytes.
_normalize_short_name = lru_cache(maxsize=8192)(_join_words)


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    """One letter for what a character is in a name: Upper, lower, s, digit, mark, or a blank."""
    if character.isalpha():
        if character == "s":
            return "s"
        return "l" if character.lower() == character else "U"
    if character.isalnum():
        return "d"
    return "m" if _is_mark(character) else " "


def _is_mark(character: str) -> bool:
    """Whether it is a mark on a letter; a variation selector, which chooses an emoji's look, is none."""
    if category(character) not in ("Mn", "Mc"):
        return False
    return not ("\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef")


_WORD: Final = re.compile(
    r"""[Ulsd][Ulsdm]*?
    (?= (?<=[lsm]) U [Uls]               # user|Role, user|ID
      | (?<=d)     U [ls]                # line2|Street
      | (?<=U)     U (?!s(?![lsm])) [ls] # HTTP|Server; not UR|Ls
      | [ ] | \Z )""",
    re.VERBOSE,
)

# Composing makes one character of four at most (a letter with three marks), and each has a byte at least: so many
# have what fills a name, and what is looked ahead at to find its words.
_LONG_NAME: Final = 4 * (MAX_BYTES + 256)


def _head(name: str) -> str:
    """The words of a long name, or so many of them that what comes behind them cannot be in its normalized form.

    (But for the form of a Greek sigma with more than 1,000 modifier letters behind it in one word.)
    """
    words: list[str] = []
    missing = _LONG_NAME
    for word in _long_words().finditer(name.replace("_", " ")):
        words.append(word[0])
        missing -= len(word[0]) + 1
        if missing < 0:
            break
    head = " ".join(words)
    # Not in the middle of marks: one of the last may be what composes with the letter.
    behind = _marks_behind().match(head, _LONG_NAME)
    return head if behind is None else head[: behind.end()]


@cache
def _long_words() -> re.Pattern[str]:
    marks = character_ranges(_is_mark)
    return re.compile(rf"\w[\w{marks}]*")


@cache
def _marks_behind() -> re.Pattern[str]:
    return re.compile(f"[{combining_marks()}\u0f73\u0f75\u0f81]*")
