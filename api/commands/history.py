"""A profile's history, the profile as it was, and all that is held about its user (contract §12).

A walk through a history reads it in slices and lets others run between them. What it shows is the profile at one
moment, the walk's begin: what is written meanwhile lies behind its end. Before each slice it looks whether the profile
is still there, so that whatever is shown without another wait is not shown after a forget has answered.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from api.commands.addressing import NO_PROFILE, by_id
from api.commands.reading import show, show_tracked
from projections.as_of import Past
from projections.history import EVENT_TYPES, PASSED_OVER, Entry, undo
from projections.profile import Document, StoredProfile
from projections.profiles import ProfileState
from schemas.errors import NotFound, Unprocessable
from schemas.events import ENCODER
from schemas.expansion import Expand
from schemas.search.conditions import Moment
from schemas.search.request import parse_moment
from schemas.timestamps import format_timestamp
from streams.clock import now
from streams.node import Node

_SLICE: Final = 100
_NAMES: Final = 20
_PAGE_BYTES: Final = 4 << 20
_NO_MOMENT: Final = -1
_WITHOUT_COMPANY: Final = Expand(company="skip")


class HistoryPage(NamedTuple):
    """Which part of a history is wanted: what comes before an offset, or before a time, or the newest."""

    limit: int
    before: int | Moment | None


def parse_as_of(given: Mapping[str, object], expand: Expand) -> int | None:
    """The time that a read asks for, in unix milliseconds; None for now. Raises `Unprocessable`."""
    value = given.get("as_of")
    if value is None:
        return None
    moment = parse_moment(value, now())
    if moment is None:
        raise Unprocessable("as_of: send a timestamp, as 2029-04-07T12:18:00.000Z")
    if expand.events != "skip":
        raise Unprocessable(
            "expand[events]: tracked events are known as they are now, not `as_of` a time"
        )
    return moment.ms


async def read_as_of(node: Node, profile: StoredProfile, moment: int) -> StoredProfile:
    """The profile as it was. Raises `NotFound` for a time before it was created, and once it is forgotten."""
    past = Past(profile, moment)
    await _rewind(node, profile, past, 0, _end(node, profile))
    found = past.profile()
    if found is None:
        raise NotFound(NO_PROFILE)
    return found


async def read_history(node: Node, profile: StoredProfile, page: HistoryPage) -> bytes:
    """A page of events, the newest first, as it is answered. Raises `NotFound` once the profile is forgotten.

    A page ends early behind `_PAGE_BYTES` of events.
    """
    before, end = page.before, _end(node, profile)
    past = Past(profile, before.ms - 1 if isinstance(before, Moment) else _NO_MOMENT)
    if before is not None:
        await _rewind(node, profile, past, before if isinstance(before, int) else 0, end)
    writer = _EventWriter(node, profile, past.document())
    written: list[bytes] = []
    size = 0
    cursor: dict[str, Any] = {"limit": page.limit}
    last = end if past.cut is None else past.cut
    async with aclosing(_slices(node, profile, 0, last, newest_first=True)) as slices:
        async for entries in slices:
            for entry in entries:
                if len(written) == page.limit or size > _PAGE_BYTES:
                    cursor["before"] = writer.position(last)
                    return _page(written, cursor)
                written.append(writer.write(entry))
                size += len(written[-1])
                last = entry.offset
    return _page(written, cursor)


def export(node: Node, profile: StoredProfile) -> AsyncGenerator[bytes]:
    """Everything held about a user, in parts that make one JSON document. They raise `NotFound` like a page."""
    company = node.companies.get(profile.header.company or "", profile.header.account)
    shown = show(node, profile, _WITHOUT_COMPANY)
    return _export(
        node, profile, shown, b"null" if company is None else company.json, _end(node, profile)
    )


async def _export(
    node: Node, profile: StoredProfile, shown: bytes, company: bytes, end: int
) -> AsyncGenerator[bytes]:
    _check_there(node, profile)
    yield b'{"export":{"profile":%b,"history":[' % shown
    writer, comma = _EventWriter(node, profile, profile.document()), b""
    async for entries in _slices(node, profile, 0, end, newest_first=True):
        yield comma + b",".join(map(writer.write, entries))
        comma = b","
    yield b'],"events":{'
    after: bytes | None = b""
    comma = b""
    while after is not None:
        await asyncio.sleep(0)
        _check_there(node, profile)
        tracked, after = _state(node, profile).some_tracked(profile.id, after, _NAMES)
        if tracked:
            yield comma + ENCODER.encode(show_tracked(tracked))[1:-1]
            comma = b","
    yield b'},"company":%b}}' % company


class _EventWriter:
    """Writes the events of a profile, from the newest of some on, each with what it changed.

    `document` is the profile's as it was behind the first of them, but for `updated_at`.
    """

    def __init__(self, node: Node, profile: StoredProfile, document: Document) -> None:
        self._partition = node.identity.partition_of_id(profile.id)
        self._created = profile.header.created
        self._document = document

    def position(self, offset: int) -> str:
        """As `X-Log-Position` says it (contract §14)."""
        return f"{self._partition}:{offset}"

    def write(self, entry: Entry) -> bytes:
        shown: dict[str, Any] = {
            "id": entry.key.decode(),
            "type": EVENT_TYPES[entry.type],
            "at": format_timestamp(entry.at),
            "position": {"partition": self._partition, "offset": entry.offset},
            "changes": undo(entry, self._document, self._created),
        }
        if entry.type in PASSED_OVER:
            shown["passed_over"] = PASSED_OVER[entry.type]
        return ENCODER.encode(shown)


async def _rewind(node: Node, profile: StoredProfile, past: Past, start: int, end: int) -> None:
    async for entries in _slices(node, profile, start, end):
        past.read(entries)


async def _slices(
    node: Node, profile: StoredProfile, start: int, stop: int, *, newest_first: bool = False
) -> AsyncGenerator[list[Entry]]:
    """The entries with start <= offset < stop. Raises `NotFound` once the profile is forgotten, `Unavailable`."""
    while True:
        _check_there(node, profile)
        state = _state(node, profile)
        entries = state.history(profile, start, stop, _SLICE, newest_first=newest_first)
        if not entries:
            return
        yield entries
        if newest_first:
            stop = entries[-1].offset
        else:
            start = entries[-1].offset + 1
        await asyncio.sleep(0)


def _check_there(node: Node, profile: StoredProfile) -> None:
    if by_id(node, profile.header.account, profile.id) is None:
        raise NotFound(NO_PROFILE)


def _state(node: Node, profile: StoredProfile) -> ProfileState:
    return node.partitions.profiles(node.identity.partition_of_id(profile.id))


def _end(node: Node, profile: StoredProfile) -> int:
    """Behind the last event that the profile, just read, can have."""
    return _state(node, profile).applied + 1


def _page(written: list[bytes], cursor: dict[str, Any]) -> bytes:
    return b'{"events":[%b],"cursor":%b}' % (b",".join(written), ENCODER.encode(cursor))
