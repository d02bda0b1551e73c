"""What is stored of something that was sent."""

import json

from schemas.normalization import Value, normalize
from schemas.property_names import normalize_name

NOW = 1_870_258_680_000


def stored(value: object, name: str = "plan") -> Value:
    """What a property of this value is stored as."""
    return normalize({name: value}, NOW).properties[normalize_name(name)]


def exactly(value: object) -> tuple[object, str]:
    """Tells 12 from 12.0 and 1 from true, at any depth."""
    return value, json.dumps(value)
