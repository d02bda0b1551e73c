"""`$ref`s of a document that describes an interface."""

from collections.abc import Iterator
from typing import Any, cast


def broken_references(document: dict[str, Any]) -> set[str]:
    """Those that lead nowhere."""
    return {name for name in _references(document) if not _is_there(document, name)}


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        members = cast("dict[str, object]", part)
        if isinstance(name := members.get("$ref"), str):
            yield name
        for member in members.values():
            yield from _references(member)
    elif isinstance(part, list):
        for member in cast("list[object]", part):
            yield from _references(member)


def _is_there(document: dict[str, Any], name: str) -> bool:
    found: Any = document
    for part in name.removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found is not None
