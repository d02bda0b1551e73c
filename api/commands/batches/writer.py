"""The one way in which a batch is written, whatever its items are (contract §4, §10, §11).

1. The items are cut into slices. The body stays one piece of bytes and the loop is free for other requests between two
   slices, so a full batch costs little more memory than its own size.
2. Each item of a slice is drafted: decoded and normalized.
3. Each draft becomes an event.
4. The events of the slice are appended. An item whose event the fold passed over, because what it names was deleted at
   the same moment, is made again (3).
5. When Kafka has acknowledged all, `batch-received` is appended, which the batch's status is read from.

An item is refused by raising a `RequestError` in 2, 3 or 4; a `NotFound` skips it where `on_model_missing` is `ignore`.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from api.commands.item_errors import Failures, ItemErrors
from api.commands.repeating import KeyedRequest
from api.envelopes import Slice, decode_item, in_steps, slices
from projections.batches import Batch, decode_errors, encode_errors
from schemas.errors import NotFound, RequestError
from schemas.events import BatchReceived, encode
from schemas.identity import event_key, random_id
from streams.node import Node
from streams.partition.owned_partitions import Elsewhere

Drafted = TypeVar("Drafted")
Made = TypeVar("Made")


class BatchContext(NamedTuple):
    """Whose batch it is and how its items are judged; `item_limit` is in bytes."""

    node: Node
    account: str
    ignore_missing: bool
    item_limit: int
    keyed: KeyedRequest | None = None


class Received(NamedTuple):
    """The answer to a batch: its id, the items that were refused, and the last offset per partition."""

    id: str
    failures: Failures
    positions: dict[int, int]


class Appended(NamedTuple):
    """What an append of events did not write, by index: refused, or to be made again."""

    refused: Mapping[int, RequestError] = {}
    again: Sequence[int] = ()


class BatchItems(Protocol[Drafted, Made]):
    """What depends on the kind of the items. One object serves one batch of one account."""

    def begin(self) -> AbstractAsyncContextManager[int]:
        """Lasts until the items are acknowledged; gives the time of their events, in unix milliseconds.

        Raises `Unavailable`.
        """
        ...

    def draft(self, sent: Mapping[str, object], at: int, /) -> Drafted:
        """An item, normalized. Raises `Unprocessable`."""
        ...

    async def prepare(self, drafts: Mapping[int, Drafted], at: int) -> None:
        """Writes what the events of a slice presuppose. Raises `Unavailable`."""
        ...

    def event(self, index: int, write: Drafted, at: int) -> Made:
        """The event of an item, in its turn. Raises `RequestError`, and `Elsewhere` where `fetch` is needed first."""
        ...

    async def fetch(self, index: int, write: Drafted) -> None:
        """Asks other nodes for whom an item names. Raises `Unavailable`."""
        ...

    async def append(self, events: Mapping[int, Made]) -> Appended:
        """Appends the events of a slice, in order, when there is room. Raises `Unavailable`."""
        ...

    async def acknowledged(self) -> dict[int, int]:
        """Waits until Kafka has all events; the last offset per partition. Raises `Unavailable`."""
        ...


class BatchWriter(Generic[Drafted, Made]):
    """Writes one batch; it holds `turn` (`api.limits.batches_at_once`) for each step of its work."""

    def __init__(
        self, context: BatchContext, kind: BatchItems[Drafted, Made], turn: asyncio.Lock
    ) -> None:
        self._context = context
        self._kind = kind
        self._turn = turn
        self._errors = ItemErrors()
        # Errors that depend on what was there, and not on the item alone.
        self._situational = ItemErrors()
        self._skipped = 0

    async def write(self, items: Sequence[msgspec.Raw]) -> tuple[Received, Batch]:
        """Append every good item; returns when Kafka has them. Raises `Unavailable`."""
        received = len(items)
        async with self._kind.begin() as at:
            for part in slices(items):
                await self._write(await self._drafts(part, at), at)
                await asyncio.sleep(0)  # a slice of refused items waits for nothing
            last = await self._kind.acknowledged()
        event = self._closing(at, received, last)
        node = self._context.node
        partition = node.identity.partition_of_id(event.id)
        await node.appender.append(node.topics.events, partition, event_key(), encode(event))
        return Received(event.id, self._errors.failures(), last), Batch.of(event)

    def _closing(self, at: int, received: int, last: Mapping[int, int]) -> BatchReceived:
        """The last event of the batch."""
        keyed, failed = self._context.keyed, self._errors.count
        return BatchReceived(
            account=self._context.account,
            at=at,
            id=random_id() if keyed is None else keyed.batch,
            received=received,
            accepted=received - failed - self._skipped,
            skipped=self._skipped,
            failed=failed,
            last={str(partition): offset for partition, offset in last.items()},
            errors=b"" if keyed is None else encode_errors(self._situational.failures().shown),
        )

    async def again(self, items: Sequence[msgspec.Raw], batch: Batch) -> Failures:
        """The errors that were answered: some are kept, and what is wrong with an item in itself is found again.

        Texts of the latter name properties, which must not stand in the log.
        """
        for part in slices(items):
            await self._drafts(part, batch.created_at)
            await asyncio.sleep(0)
        return Failures.of([*self._errors.kept, *decode_errors(batch.errors)], batch.failed)

    async def _drafts(self, part: Slice, at: int) -> dict[int, Drafted]:
        """The good items of a slice, by their index."""
        drafts: dict[int, Drafted] = {}
        await in_steps(part, self._turn, lambda step: self._draft_all(step, at, drafts))
        return drafts

    def _draft_all(self, step: Slice, at: int, drafts: dict[int, Drafted]) -> None:
        draft, limit = self._kind.draft, self._context.item_limit
        for index, item in enumerate(step.items, step.start):
            try:
                drafts[index] = draft(decode_item(item, limit), at)
            except RequestError as error:
                self._errors.refuse(index, error)

    async def _write(self, drafts: dict[int, Drafted], at: int) -> None:
        """Append the events of a slice."""
        while drafts:
            await self._kind.prepare(drafts, at)
            events = await self._events(drafts, at)
            refused, again = await self._kind.append(events)
            for index, error in refused.items():
                self._refuse(index, error)
            drafts = {index: drafts[index] for index in again}

    async def _events(self, drafts: Mapping[int, Drafted], at: int) -> dict[int, Made]:
        events: dict[int, Made] = {}
        left = deque(drafts.items())
        while left:
            async with self._turn:
                self._make_events(left, at, events)
            if left:
                await self._kind.fetch(*left[0])
        return events

    def _make_events(
        self, left: deque[tuple[int, Drafted]], at: int, events: dict[int, Made]
    ) -> None:
        """The events of what is left, up to an item that names what another node has."""
        event = self._kind.event
        while left:
            index, write = left[0]
            try:
                events[index] = event(index, write, at)
            except RequestError as error:
                if self._context.ignore_missing and isinstance(error, NotFound):
                    self._skipped += 1
                else:
                    self._refuse(index, error)
            except Elsewhere:
                return
            left.popleft()

    def _refuse(self, index: int, error: RequestError) -> None:
        self._errors.refuse(index, error)
        self._situational.refuse(index, error)
