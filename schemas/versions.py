"""Versions of events: how old bytes of the log become the events of today.

An event of version 1 does not say so; a later one has its version in `v`. To change what a type of event holds, in any
way but by a field with a default:

1. Give its class the field ``v: Literal[2]``, without a default, so that it always stands in the log.
2. Append a function to its list in `schemas.events.UPCASTERS` that makes the decoded JSON of version 2 of one of
   version 1. It must be pure, for a replay has to give the same bytes.

The fold, and whoever else reads the log, then sees events of the newest version only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from schemas.errors import ProfilelogError

Upcast: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
Upcasters: TypeAlias = Mapping[str, Sequence[Upcast]]
"""By type: what makes version 2 of version 1, version 3 of version 2, and so on."""

_Event = TypeVar("_Event")
_NAMES_VERSION: Final = b'"v":'


class UndecodableRecord(ProfilelogError):
    """The bytes at a position of the log are no event that this version knows."""


class _Head(msgspec.Struct):
    type: str
    v: int = 1


_heads: Final = msgspec.json.Decoder(_Head)
_documents: Final = msgspec.json.Decoder(dict[str, Any])


class EventDecoder(Generic[_Event]):
    """Decodes the events of one topic; `decoder` knows their newest versions."""

    def __init__(
        self,
        topic: str,
        decoder: msgspec.json.Decoder[_Event],
        upcasters: Upcasters,
    ) -> None:
        self._topic = topic
        self._decoder = decoder
        self._upcasters = upcasters

    def decode(self, value: bytes) -> _Event:
        """Raises `UndecodableRecord`, without the bytes; an event of a later version than is known is one too."""
        try:
            # Where there is one version only, a search for the field's name is all that it costs.
            if self._upcasters or _NAMES_VERSION in value:
                value = self._upcast(value)
            return self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UndecodableRecord(f"not an event of {self._topic}") from None

    def _upcast(self, value: bytes) -> bytes:
        head = _heads.decode(value)
        steps = self._upcasters.get(head.type, ())
        if head.v == len(steps) + 1:
            return value
        if not 1 <= head.v <= len(steps):
            raise UndecodableRecord(
                f"an event of {self._topic} of a version that is not known here"
            )
        document = _documents.decode(value)
        for step in steps[head.v - 1 :]:
            document = step(document)
        return msgspec.json.encode(document)
