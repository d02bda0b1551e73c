"""What the world outside reads of a change: the records of ``profiles`` (contract §13).

The key is the profile's id, the header `account` names its account, and the value is a `Change`, or null once the
profile is forgotten.
"""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from schemas.versions import UndecodableRecord

ACCOUNT_HEADER: Final = "account"

ChangeType: TypeAlias = Literal[
    "profile-upserted",
    "profile-cleared",
    "profile-email-released",
    "profile-company-left",
    "event-tracked",
]
Forgotten: TypeAlias = Literal["profile-forgotten"]
"""What streams call the null of a profile; no record has it as its type."""


class Happened(msgspec.Struct, frozen=True):
    """The event that led to a change: its type, its id and its own time, as `format_timestamp` writes it."""

    type: ChangeType
    id: str
    at: str


class Change(msgspec.Struct, frozen=True):
    """A value of ``profiles``: the whole profile after the event, and the names of what it changed."""

    profile: dict[str, Any]
    event: Happened
    changed: list[str]


class RawChange(msgspec.Struct, frozen=True, gc=False):
    """A `Change` whose profile is left as it was sent."""

    profile: msgspec.Raw
    event: Happened
    changed: list[str]


_changes: Final = msgspec.json.Decoder(RawChange)


def decode_change(value: bytes) -> RawChange:
    """Read a value of ``profiles``. Raises `UndecodableRecord`, without the bytes."""
    try:
        return _changes.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UndecodableRecord("not a record of profiles") from None
