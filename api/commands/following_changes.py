"""Changes of an account as server-sent events (contract §13)."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Set
from typing import Final, NamedTuple, get_args

from api.commands.addressing import by_id
from schemas.errors import RequestError, Unprocessable
from schemas.events import ENCODER
from schemas.property_names import normalize_name
from schemas.public import ChangeType, Forgotten
from schemas.search.parameters import check_names
from schemas.stream_cursors import StreamCursor, decode_stream_cursor, encode_stream_cursor
from schemas.versions import UndecodableRecord
from streams.change_streams import ChangeRecord, Ended, Listener, TooSlow
from streams.clock import now
from streams.cluster.operations import GoneProfiles
from streams.cluster.peers import moving
from streams.log.topic_settings import TOMBSTONES_KEPT_SECONDS
from streams.node import Node
from streams.partition.owned_partitions import Elsewhere

TYPES: Final = frozenset((*get_args(ChangeType), *get_args(Forgotten)))
MAX_PROPS: Final = 100
# An hour less than Kafka keeps the nulls of the forgotten, so that there is time to read them.
RESUMABLE_SECONDS: Final = TOMBSTONES_KEPT_SECONDS - 3600

_RETRY_MS: Final = 1000
# Clients in browsers that cannot send the header write its name so.
_LAST_EVENT_ID: Final = ("last_event_id", "lastEventId")
_PARAMETERS: Final = ("types", "props", "from", *_LAST_EVENT_ID)


class Wanted(NamedTuple):
    """What of an account's changes is wanted, and from where on; None: from now on. Empty sets want all."""

    cursor: StreamCursor | None
    types: frozenset[str]
    props: frozenset[str]


def parse_wanted(
    node: Node, account: str, given: Mapping[str, object], last_event_id: str | None
) -> Wanted:
    """The parameters of a stream; `last_event_id` is the header's value. Raises `Unprocessable`."""
    check_names(given, _PARAMETERS)
    types = _names(given, "types")
    if unknown := types - TYPES:
        known = ", ".join(sorted(TYPES))
        raise Unprocessable(f"types: {len(unknown)} of these are unknown; send some of {known}")
    props = frozenset(map(normalize_name, _names(given, "props")))
    if "" in props or len(props) > MAX_PROPS:
        raise Unprocessable(f"props: send up to {MAX_PROPS} names of properties, joined by commas")
    return Wanted(_cursor(node, account, given, last_event_id), types, props)


def _names(given: Mapping[str, object], name: str) -> frozenset[str]:
    value = given.get(name)
    if value is None:
        return frozenset()
    names = [each.strip() for each in value.split(",")] if isinstance(value, str) else [""]
    if "" in names:
        raise Unprocessable(f"{name}: send names joined by commas, or leave it out")
    return frozenset(names)


def _cursor(
    node: Node, account: str, given: Mapping[str, object], last_event_id: str | None
) -> StreamCursor | None:
    partitions = node.topics.partitions
    begin = given.get("from", "now")
    if begin not in ("now", "start"):
        raise Unprocessable("from: send `start` for everybody's latest state first, or `now`")
    text = next((given[name] for name in _LAST_EVENT_ID if name in given), last_event_id)
    if text is None or text == "":
        return None if begin == "now" else StreamCursor(now(), (0,) * partitions)
    cursor = (
        decode_stream_cursor(text, account, node.changes.log) if isinstance(text, str) else None
    )
    if cursor is None or len(cursor.offsets) != partitions:
        raise Unprocessable(
            "Last-Event-ID: send the `id:` of an event of this account's stream, or nothing; with `from=start` the "
            "stream shows everybody's latest state first"
        )
    if now() - cursor.at > RESUMABLE_SECONDS * 1000:
        raise Unprocessable(
            f"Last-Event-ID is older than {RESUMABLE_SECONDS // 3600} hours, and who was forgotten since may be "
            "missing: begin anew with `from=start`, and drop whom it does not show before `caught-up`"
        )
    return cursor


async def observe(
    node: Node, account: str, wanted: Wanted, authenticate: Callable[[], object]
) -> AsyncGenerator[bytes]:
    """The events, in portions to be sent as they are. The first is there at once.

    `authenticate` raises once the account's secret is no longer good; then, and when changes cannot be read any more,
    the stream ends. Raises `Unavailable` before the first portion only.
    """
    for partition in range(node.topics.partitions):
        with contextlib.suppress(Elsewhere):
            node.partitions.profiles(partition)  # says so while it is catching up
    async with node.changes.listening(account, wanted.cursor) as listener:
        has_announced = wanted.cursor is None
        yield b"retry: %d\n%b" % (_RETRY_MS, _still_here(node, account, listener))
        while True:
            try:
                records = await listener.take()
                authenticate()
                portion = b"".join(await _shown(node, wanted, records))
            except TooSlow:
                yield _too_slow(node, account, listener)
                return
            except (Ended, RequestError):
                return
            if not has_announced and listener.is_idle:
                has_announced = True
                portion += _caught_up(node, account, listener)
            if listener.is_due():
                portion += _still_here(node, account, listener)
            if portion:
                yield portion


async def _shown(node: Node, wanted: Wanted, records: list[ChangeRecord]) -> list[bytes]:
    """The events of those records that are wanted and may be shown. Raises `Unavailable`."""
    wanted_records = [record for record in records if _is_wanted(wanted, record)]
    lapsed = node.cluster.leases.lapsed
    gone: dict[int, Set[str]] = {}
    while True:
        shown: list[ChangeRecord] = []
        unknown: dict[int, list[ChangeRecord]] = defaultdict(list)
        for record in wanted_records:
            try:
                may_be_shown = _may_be_shown(node, record)
            except Elsewhere:
                if record.partition not in gone:
                    unknown[record.partition].append(record)
                    continue
                may_be_shown = record.id not in gone[record.partition]
            if may_be_shown:
                shown.append(record)
        if not unknown:
            break
        # What is here is looked at again behind the wait.
        gone |= await _gone_elsewhere(node, unknown)
    if not node.cluster.leases.are_good(lapsed):
        raise moving()  # another node may have forgotten whom this one still has
    return [_event(node, record) for record in shown]


async def _gone_elsewhere(
    node: Node, unknown: Mapping[int, list[ChangeRecord]]
) -> dict[int, Set[str]]:
    """By partition, who of the profiles of other nodes is not shown any more. Raises `Unavailable`."""
    questions = [
        GoneProfiles(partition, records[0].account, [record.id for record in records])
        for partition, records in unknown.items()
    ]
    answers = await asyncio.gather(*map(node.cluster.peers.ask, questions))
    return {asked.partition: frozenset(ids) for asked, ids in zip(questions, answers, strict=True)}


def gone_here(node: Node, asked: GoneProfiles) -> list[str]:
    """Who of some profiles, of this node, would not be shown by a read. Raises `Elsewhere`, `Unavailable`."""
    return [id_ for id_ in asked.ids if by_id(node, asked.account, id_) is None]


def _is_wanted(wanted: Wanted, record: ChangeRecord) -> bool:
    try:
        type_, changed, _ = record.shown
    except UndecodableRecord:
        return False
    if wanted.types and type_ not in wanted.types:
        return False
    # A forgotten user has lost all properties. Where compaction may have removed what changed one, it is shown too.
    exempt = record.forgets or not record.exact
    return exempt or not wanted.props or not wanted.props.isdisjoint(changed)


def _may_be_shown(node: Node, record: ChangeRecord) -> bool:
    """Whether a read would show the profile now; asked again only when somebody may have gone since.

    Raises `Unavailable`.
    """
    if record.forgets:
        return True
    as_of = node.partitions.profiles(record.partition).last_forget, len(node.companies.deletions)
    if record.checked != as_of:
        if by_id(node, record.account, record.id) is None:
            return False
        record.checked = as_of
    return True


def _event(node: Node, record: ChangeRecord) -> bytes:
    if record.head is None:
        record.head = _head(node, record.account, record.cursor, record.shown.type)
    return b"%bdata: %b\n\n" % (record.head, record.shown.data)


def _head(node: Node, account: str, cursor: StreamCursor, type_: str) -> bytes:
    return (
        f"id: {encode_stream_cursor(cursor, account, node.changes.log)}\nevent: {type_}\n".encode()
    )


def _still_here(node: Node, account: str, listener: Listener) -> bytes:
    """A comment, and where to resume: an `id` without `data` is taken over and shown to nobody."""
    return b": still here\nid: %b\n\n" % _id(node, account, listener)


def _caught_up(node: Node, account: str, listener: Listener) -> bytes:
    return b"id: %b\nevent: caught-up\ndata: {}\n\n" % _id(node, account, listener)


def _too_slow(node: Node, account: str, listener: Listener) -> bytes:
    data = ENCODER.encode(
        {"message": "Changes came faster than they were taken: resume from this event's id"}
    )
    return b"id: %b\nevent: too-slow\ndata: %b\n\n" % (_id(node, account, listener), data)


def _id(node: Node, account: str, listener: Listener) -> bytes:
    return encode_stream_cursor(listener.reached(), account, node.changes.log).encode()
