"""What the twin does to a profile before it stores it. Less than the contract's §9 asks for."""

import re
from functools import lru_cache
from typing import Any

VALUE_BYTES = 768
_CASE_CHANGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_NAME_CHARACTERS = re.compile(r"[^a-z0-9]+")


@lru_cache(65_536)
def normalized_name(name: str) -> str:
    """`userRole`, `User Role` and `user-role` are all `user_role`."""
    return _NO_NAME_CHARACTERS.sub("_", _CASE_CHANGE.sub("_", name).lower()).strip("_")


def normalized(properties: dict[str, Any]) -> dict[str, Any]:
    """Names in snake case, strings cut to 768 bytes."""
    return {normalized_name(name): _cut(value) for name, value in properties.items()}


def _cut(value: object) -> object:
    # A character has at most four bytes: short strings need no encoding to be known as short.
    if not isinstance(value, str) or len(value) <= VALUE_BYTES // 4:
        return value
    return value.encode()[:VALUE_BYTES].decode(errors="ignore")
