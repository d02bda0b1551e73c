"""How a request names a user: uids, emails, and the error when neither is there (contract §3, §4)."""

from collections.abc import Mapping
from functools import cache
from typing import Final
from unicodedata import category, normalize

from schemas.composition import compose
from schemas.errors import InvalidValue
from schemas.normalization import check_text
from schemas.property_limits import MAX_BYTES

_BAD_TEXT: Final = "must hold no control character (below U+0020) and no lone surrogate"
_BAD_UID_TYPE: Final = "must be an integer or a string"
_BAD_UID_SIZE: Final = f"must be 1 to {MAX_BYTES} bytes of UTF-8"

# What programs write where they know no id, in lower case; the last says to remove a value.
_PLACEHOLDERS: Final = frozenset(
    {"", "undefined", "null", "none", "nil", "nan", "[object object]", "true", "false", "$unset"}
)
_LONGEST_PLACEHOLDER: Final = max(map(len, _PLACEHOLDERS))


def parse_id(given: Mapping[str, object]) -> str | None:
    """The `id` among the parameters as it was sent, None for null and blanks (contract §3).

    Whether it has the form of one is not judged. A number, the caller's own, is a text that has not, beside a `uid` or
    `email`; alone it is of the wrong type like any other value. Raises InvalidValue.
    """
    value = given.get("id")
    if value is None:
        return None
    if type(value) is int and (given.get("uid") is not None or given.get("email") is not None):
        return str(value)
    if type(value) is not str:
        raise InvalidValue("id", "must be a string")
    return value if trim(value) else None


def parse_new_uid(value: object, *, whose: str = "users") -> int | str:
    """A uid that may create: one of :func:`parse_uid`, and nobody's placeholder (contract §3).

    Raises InvalidValue, also when it is blank or one of ``undefined``, ``null`` and the like.
    """
    if type(value) is str and _is_placeholder(trim(value)):
        raise InvalidValue(
            "uid",
            "must not be blank or a placeholder like `undefined` or `null`: "
            f"many different {whose} would become one",
        )
    return parse_uid(value)


def _is_placeholder(text: str) -> bool:
    return len(text) <= _LONGEST_PLACEHOLDER and text.lower() in _PLACEHOLDERS


def parse_uid(value: object) -> int | str:
    """The uid as sent: an integer or a string of 1 to 768 bytes (contract §3).

    Raises InvalidValue.
    """
    if type(value) is str:
        if not value or not _fits(value):
            raise InvalidValue("uid", _BAD_UID_SIZE)
        if not check_text(value):
            raise InvalidValue("uid", _BAD_TEXT)
        return value
    if type(value) is int:
        # The first check is rough, and keeps the second from spelling out a monster.
        if value.bit_length() > 4 * MAX_BYTES or len(str(value)) > MAX_BYTES:
            raise InvalidValue("uid", _BAD_UID_SIZE)
        return value
    raise InvalidValue("uid", _BAD_UID_TYPE)


def uid_text(uid: int | str) -> str:
    """The one text of a uid: ``18821`` and ``"18821"`` are the same user (contract §3)."""
    return uid if isinstance(uid, str) else str(uid)


def parse_email(value: object) -> str | None:
    """The email, trimmed; None for null and blanks (contract §3). Its form as an address is not judged.

    Raises InvalidValue: not a string, or more than 768 bytes.
    """
    if value is None:
        return None
    if type(value) is not str:
        raise InvalidValue("email", "must be a string or null")
    if not check_text(value):
        raise InvalidValue("email", _BAD_TEXT)
    email = trim(value)
    if not _fits(email):
        raise InvalidValue("email", f"must be at most {MAX_BYTES} bytes of UTF-8")
    return email or None


def fold_email(email: str) -> str:
    """What emails are compared by: composed (NFC), trimmed, in simple lower case (contract §3)."""
    return fold_email_part(trim(email))


def fold_email_part(text: str) -> str:
    """A part of an email as :func:`fold_email` has it in the whole: blanks at its ends stay."""
    if text.isascii():
        return text.lower()
    # Of these two alone `lower` depends on the neighbours, or makes two characters.
    lower = compose(text).replace("İ", "i").replace("Σ", "\N{GREEK SMALL LETTER SIGMA}").lower()
    return compose(lower)


def former_email_folds(email: str) -> list[str]:
    """What this email may have been compared by, in either of its forms, before emails were composed.

    Claims of that time have a keyed hash of it (design "Email index"). ASCII is folded as it was.
    """
    composed = compose(email)
    forms = (email, composed, normalize("NFD", composed))
    return list(dict.fromkeys(form.strip().casefold() for form in forms))


def trim(text: str) -> str:
    """`text` without white space and invisible format characters (Unicode's Cf) at its ends."""
    return text.strip() if text.isascii() else text.strip(_blanks())


@cache  # 20 ms to make
def _blanks() -> str:
    characters = map(chr, (*range(0x20000), *range(0xE0000, 0xE0100)))  # where they all are
    return "".join(each for each in characters if each.isspace() or category(each) == "Cf")


def _fits(text: str) -> bool:
    if len(text) <= MAX_BYTES // 4:
        return True
    return len(text) <= MAX_BYTES and len(text.encode(errors="replace")) <= MAX_BYTES


def ordinal(n: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``, ``21st``, ``111th``."""
    teen = n // 10 % 10 == 1
    return f"{n}{'th' if teen else _SUFFIXES.get(n % 10, 'th')}"


_SUFFIXES: Final = {1: "st", 2: "nd", 3: "rd"}


def missing_identifier_sentence(ordinal_of: int | None) -> str:
    """The seed's sentence for a write that names nobody (contract §3, §4).

    `ordinal_of` is the one-based place of the item in its batch, None for a single write.
    """
    whom = "" if ordinal_of is None else f" for the {ordinal(ordinal_of)} item"
    return (
        f"No identifier found{whom}. Pass your User ID as the `uid` parameter"
        " or the Email address as the `email` parameter"
    )
