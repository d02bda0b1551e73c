"""Who is meant: uids, emails, and what is said when neither is there (contract §3, §4)."""

from typing import Final

from schemas.normalization import MAX_BYTES, check_text

_BAD_TEXT: Final = "must hold no control character (below U+0020) and no lone surrogate"
_BAD_UID_TYPE: Final = "must be an integer or a string"
_BAD_UID_SIZE: Final = f"must be 1 to {MAX_BYTES} bytes of UTF-8"


class InvalidIdentifier(ValueError):
    """An identifier that cannot be one (contract §3: 422).

    `name` is the parameter's name; `reason` says what it must be, never what it was.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.reason = reason


def parse_uid(value: object) -> int | str:
    """The uid as sent: an integer or a string of 1 to 768 bytes (contract §3).

    Raises InvalidIdentifier.
    """
    if type(value) is str:
        if not value or not _fits(value):
            raise InvalidIdentifier("uid", _BAD_UID_SIZE)
        if not check_text(value):
            raise InvalidIdentifier("uid", _BAD_TEXT)
        return value
    if type(value) is int:
        # The first check is rough, and keeps the second from spelling out a monster.
        if value.bit_length() > 4 * MAX_BYTES or len(str(value)) > MAX_BYTES:
            raise InvalidIdentifier("uid", _BAD_UID_SIZE)
        return value
    raise InvalidIdentifier("uid", _BAD_UID_TYPE)


def uid_text(uid: int | str) -> str:
    """The one text of a uid: ``18821`` and ``"18821"`` are the same user (contract §3)."""
    return uid if isinstance(uid, str) else str(uid)


def parse_email(value: object) -> str | None:
    """The email as sent, None for null (contract §3); its form as an address is not judged.

    Raises InvalidIdentifier: not a string, blank, or more than 768 bytes.
    """
    if value is None:
        return None
    if type(value) is not str:
        raise InvalidIdentifier("email", "must be a string or null")
    if not _fits(value) or not value.strip():
        raise InvalidIdentifier("email", f"must be 1 to {MAX_BYTES} bytes of UTF-8, not all blank")
    if not check_text(value):
        raise InvalidIdentifier("email", _BAD_TEXT)
    return value


def fold_email(email: str) -> str:
    """What emails are compared by: trimmed and case-folded (contract §3)."""
    return email.strip().casefold()


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
