"""A row that differs, told so that a person can look for it: kinds, ids and offsets, and never what stands there."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from projections.email_index import last_claimant
from projections.profile import split
from projections.receipts import decode_receipt

How: TypeAlias = Literal["differs", "missing", "not in the log"]


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """`missing`: a replay has the row and the live state has not; `not in the log`: the other way round.

    Of the ids there are those that the row tells. `offset` is that of the record that the row speaks of.
    """

    row: str
    how: How
    profile: str | None = None
    deletion: str | None = None
    batch: str | None = None
    company: str | None = None
    offset: int | None = None


class _Place(NamedTuple):
    """The name of a kind of row, and where in its key ids and an offset stand."""

    name: str
    ids: Mapping[str, int] = {}
    offset: int | None = None


_PROFILE: Final = {"profile": 1}
_ROWS: Final = {
    b"A": _Place("deletion in its account's list", {"deletion": 21}),
    b"B": _Place("batch", {"batch": 1}),
    b"C": _Place("counter of a tracked event", _PROFILE),
    b"D": _Place("document"),
    b"E": _Place("email index"),
    b"G": _Place("deleted company", {"company": 1}),
    b"H": _Place("history", _PROFILE, 13),
    b"I": _Place("first attempt", _PROFILE),
    b"J": _Place("first attempt, by its id"),
    b"K": _Place("email claim"),
    b"N": _Place("batch with an idempotency id", {"batch": 1}),
    b"P": _Place("receipt: purged", {"deletion": 1}),
    b"R": _Place("receipt", {"deletion": 1}),
    b"S": _Place("spent idempotency id"),
    b"T": _Place("receipt: tombstoned", {"deletion": 1}),
    b"U": _Place("user of a profile id", _PROFILE),
    b"V": _Place("tracked event", _PROFILE),
    b"W": _Place("deletion that waits to be purged", {"deletion": 9}, 1),
    b"X": _Place("forgotten id", _PROFILE),
    b"Y": _Place("membership", {"company": 1, "profile": 13}),
    b"Z": _Place("undecodable record", {}, 1),
}
_UNKNOWN: Final = _Place("row of a kind that this version does not know")
_ID_BYTES: Final = 12
_OFFSET_BYTES: Final = 8
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, IndexError)


def describe(how: How, key: bytes, live: bytes | None, replay: bytes | None) -> Difference:
    """What is different of the row; what the log says of it goes before what the live state says."""
    place = _ROWS.get(key[:1], _UNKNOWN)
    facts: dict[str, str | int] = {
        name: key[start : start + _ID_BYTES].hex() for name, start in place.ids.items()
    }
    if place.offset is not None:
        facts["offset"] = int.from_bytes(key[place.offset : place.offset + _OFFSET_BYTES])
    for value in (live, replay):
        if value is not None:
            facts |= _told(key[:1], value)
    return msgspec.convert({"row": place.name, "how": how, **facts}, Difference)


def _told(prefix: bytes, value: bytes) -> dict[str, str | int]:
    """What the value tells of whom the row is about; nothing when it cannot be read."""
    try:
        match prefix:
            case b"D":
                header, _ = split(value)
                return {"profile": header.id, "offset": header.version}
            case b"E":
                claimant = last_claimant(value)
                return {} if claimant is None else {"profile": claimant.id}
            case b"J":
                return {"profile": value.hex()}
            case b"R":
                receipt = decode_receipt(value)
                return {"profile": receipt.profile, "offset": receipt.offset}
            case b"X":
                return {"offset": int.from_bytes(value)}
            case _:
                return {}
    except _UNREADABLE:
        return {}
