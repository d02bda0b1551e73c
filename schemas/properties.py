"""Properties: whose they are, of which types their values are, what they are called (contract §10)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from schemas.property_limits import MAX_HASH_LEVELS
from schemas.property_names import IDENTIFIERS, NOT_SETTABLE, normalize_name
from schemas.timestamps import parse_stored_timestamp

Kind: TypeAlias = Literal["profile", "company"]
"""Whose property it is."""

ValueType: TypeAlias = Literal["string", "number", "boolean", "timestamp", "array", "hash", "null"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
TYPES: Final[tuple[ValueType, ...]] = get_args(ValueType)
SCALARS: Final = frozenset[ValueType]({"string", "number", "boolean", "timestamp"})

NO_PROPERTIES: Final[Mapping[Kind, frozenset[str]]] = {
    "profile": NOT_SETTABLE | IDENTIFIERS,
    "company": NOT_SETTABLE | {"uid", "company_id", "company_uid"},
}
"""Names in a document that say who is meant, or that the service sets."""


def type_of(value: Any) -> ValueType:
    """The type of a stored value."""
    if isinstance(value, str):
        return "string" if parse_stored_timestamp(value) is None else "timestamp"
    return _OTHER_TYPES[type(value)]


_OTHER_TYPES: Final[Mapping[type, ValueType]] = {
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "hash",
}


def parse_prop(sent: object, kind: Kind) -> str | None:
    """A property's normalized name, those of a path into hashes joined by dots; None for what names none."""
    if not isinstance(sent, str):
        return None
    parts = sent.split(".", _LONGEST_PATH)
    names = [normalize_name(name) for name in parts] if len(parts) <= _LONGEST_PATH else [""]
    if not all(names) or names[0] in NO_PROPERTIES[kind]:
        return None
    return ".".join(names)


def parse_kind(sent: object) -> Kind | None:
    return sent if sent in KINDS else None


def spelled(prop: str) -> str:
    """What a property is called as long as nobody gave it a name: `feature_announcements`, Feature announcements."""
    words = prop.replace(".", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


_LONGEST_PATH: Final = 1 + MAX_HASH_LEVELS
