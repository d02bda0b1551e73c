"""One spelling for equal JSON values, so that equal requests are known again (contract §14)."""

from typing import Final, cast

import msgspec

from schemas.property_limits import MAX_DEPTH

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def canonical_json(value: object) -> bytes:
    """The same bytes for two decoded values that are equal as JSON, others for others.

    The order of names does not count, nor how a number is written: 100, 100.0 and 1e2 are one. What lies deeper than
    a write may be (contract §9) is left out: such a write is refused.
    """
    return _ENCODER.encode(_plain(value, MAX_DEPTH + 1))


def _plain(value: object, levels: int) -> object:
    """`value` with its whole numbers as integers; a float that is one equals it."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return (
            {name: _plain(member, levels - 1) for name, member in members.items()}
            if levels
            else None
        )
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_plain(item, levels - 1) for item in items] if levels else None
    return value
