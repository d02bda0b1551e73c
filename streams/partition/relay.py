"""The relay of one partition: it publishes the outbox, in order (design "Folding and relay").

1. On assignment: init the publisher, which fences the former owner and aborts what it had open; *then* read the
   progress; drop outbox rows below it and make none below it while folding. Publish only once the fold has caught
   up with the log's end at assignment. A relay that fails starts again from here.
2. Rows leave in outbox order. Claims and withdrawals are acknowledged (`claim_sender`) before anything else of their
   event leaves. Public documents and the new progress leave in one transaction, all such rows of an event together.
   Rows are removed after the commit.
3. Event tombstones and releases are plain idempotent appends, acknowledged before the progress passes them. They
   are sent only when everything before them in the outbox is committed; for that commit the progress stays at their
   event's own offset.
4. A run of forgets shares one such commit: nothing but tombstones leaves for them, and those may be repeated, so the
   progress stays at the first one's offset until all of them are out.
5. *Proof of ownership*: after a start, and after a hole in the offsets that were folded, no claim and no release leaves
   before a transaction of one's own has committed. A hole means that compaction was there, and so tombstones, perhaps
   of a next owner. At the log's end there are none, so this costs nothing there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice, takewhile
from typing import Final, Protocol

from projections import keyspace
from projections.outbox import (
    Claim,
    Erased,
    EventTombstone,
    OutboxPosition,
    OutboxRow,
    PublicDocument,
    Release,
    Withdrawal,
)
from projections.partition import PartitionState
from schemas.errors import OperatorError, Unavailable
from schemas.events import DeletionTombstoned, encode
from schemas.identity import Identity, event_key
from schemas.public import ACCOUNT_HEADER
from streams.clock import now
from streams.log.topics import Topics
from streams.log.transactions import Publication
from streams.partition.claim_sender import ClaimSender
from streams.partition.progress import owner_record, progress_record

_NEVER: Final = -1
ROWS: Final = 1000
# Sent at once; more would make others wait for the loop.
PLAIN_ROWS: Final = 100

Rows = list[tuple[int, OutboxRow]]


class Publisher(Protocol):
    """What a relay needs of Kafka's transactions (`streams.log.transactions`)."""

    async def init(self) -> None: ...

    async def publish(self, records: Sequence[Publication]) -> None: ...


Append = Callable[[str, int, bytes, bytes | None], Awaitable[int]]
ReadProgress = Callable[[], Awaitable[int | None]]
OnRelease = Callable[[int, int, bytes], None]
"""Partition of ``profile-events``, offset and the outbox's value of a release that is acknowledged there."""


class LostProgress(OperatorError):
    """There is applied state, but nothing says what of its outputs was published."""


class Relay:
    """Publishes the outbox of `state`, which is the state of `topic`."""

    def __init__(
        self,
        state: PartitionState,
        topic: str,
        topics: Topics,
        identity: Identity,
        publisher: Publisher,
        append: Append,
        claims: ClaimSender | None = None,
        on_release: OnRelease | None = None,
    ) -> None:
        self._state = state
        self._topic = topic
        self._topics = topics
        self._identity = identity
        self._publisher = publisher
        self._append = append
        self._claims = claims
        self._on_release = on_release
        self._cursor: OutboxPosition = (0, 0)
        self._committing = asyncio.Lock()
        self._proven = _NEVER  # holes that there were when the last proof began
        self._all_left = 0

    @property
    def applied(self) -> int:
        """The offset up to which the log is folded."""
        return self._state.applied

    @property
    def left_below(self) -> int:
        """No output of an event below this offset waits any more."""
        return max(self._all_left, self._state.published)

    @property
    def is_at(self) -> int:
        """The offset of the event whose outputs leave next."""
        return self._cursor[0]

    @property
    def many_claims_wait(self) -> bool:
        """Whether the claims of a batch have still to be sent."""
        return self._claims is not None and self._claims.is_behind

    async def start(self, read_progress: ReadProgress) -> None:
        """Rule 1. Raises `LostProgress`, `MissingRights`, and `PublicationFailed` when Kafka does not answer."""
        self._proven = _NEVER
        await self._publisher.init()
        progress = await read_progress()
        if progress is None:
            if self._state.applied >= 0:
                raise LostProgress(
                    f"partition {self._state.partition} of {self._topic} has applied events, but "
                    f"{self._topics.progress} says nothing of it: remove the folder `state` only if no "
                    "consumer reads the outputs"
                )
            progress = 0
            await self._publisher.publish([self._progress(0)])
        self._state.resume(progress)
        self._cursor = (progress, 0)
        if self._claims is not None:
            self._claims.begin(progress, self._prove)

    async def publish_owner(self, owner: bytes) -> None:
        """Write the record of the partition's owner. Raises `PublicationFailed`."""
        async with self._committing:
            record = owner_record(self._topics, self._topic, self._state.partition, owner)
            await self._publisher.publish([record])

    async def step(self) -> bool:
        """Publish what leaves together next; False when there is nothing to do."""
        end = self._state.applied + 1
        rows = list(islice(self._state.outbox_from(self._cursor), ROWS + 1))
        if not rows:
            if await self._catch_up():
                return True
            self._all_left = end
            return False
        await self.send_claims(rows[-1][0])
        plain = list(takewhile(lambda row: _is_plain(row[1]), rows))
        if plain:
            await self._send_plain(plain)
        elif run := _run_of_forgets(rows):
            await self._send_run(run)
        else:
            await self._send_together(rows)
        return True

    async def send_claims(self, offset: int) -> None:
        """Rule 2: returns when the claims of all events up to the offset are acknowledged.

        Raises `PublicationFailed`, `Unavailable`.
        """
        if self._claims is not None:
            await self._claims.send_to(offset)

    async def send_claims_ahead(self) -> bool:
        """Sends the claims of all that is folded, ahead of the transactions; False where it has to wait for these.

        Raises as `send_claims`.
        """
        return self._claims is None or await self._claims.send_ahead(self._state.applied)

    async def _prove(self) -> None:
        """Rule 5."""
        if self._state.holes != self._proven:
            await self._commit([], None)

    async def _catch_up(self) -> bool:
        """All rows are out: let the progress pass the events whose last rows were plain."""
        published = self._cursor[0] + (self._cursor[1] > 0)
        if published <= self._state.published:
            return False
        await self._commit([], published)
        return True

    async def _send_together(self, rows: Rows) -> None:
        """Rule 2: whole events, or an event's rows before its first plain one."""
        together = list(takewhile(lambda row: not _is_plain(row[1]), rows))
        if len(together) > ROWS:
            # The last event may have more rows than were read: leave it for the next step, unless it is alone.
            last = together[-1][0]
            together = [row for row in together if row[0] != last] or self._rows_of(last)
        offset, count = together[-1][0], sum(row[0] == together[-1][0] for row in together)
        number = count + (self._cursor[1] if together[0][0] == offset == self._cursor[0] else 0)
        follows = next(islice(self._state.outbox_from((offset, number)), 1), None)
        # Rule 3: while the event has plain rows to come, the progress stays at its own offset.
        whole = follows is None or follows[0] != offset
        await self._commit(self._publications(together), offset + 1 if whole else offset)
        self._cursor = (offset + 1, 0) if whole else (offset, number)

    def _rows_of(self, offset: int) -> Rows:
        """All rows of one event up to its first plain one."""
        start = self._cursor if self._cursor[0] == offset else (offset, 0)
        rows = takewhile(lambda row: row[0] == offset, self._state.outbox_from(start))
        return list(takewhile(lambda row: not _is_plain(row[1]), rows))

    async def _send_run(self, rows: Rows) -> None:
        """Rule 4."""
        together = [row for row in rows if not _is_plain(row[1])]
        await self._commit(self._publications(together), rows[0][0])
        await self._send_plain(rows)

    async def _send_plain(self, rows: Rows) -> None:
        """Rule 3: all are acknowledged before the cursor, and so the progress, passes them."""
        if any(isinstance(row, Release) for _, row in rows):
            await self._prove()
        # The event that a deletion's tombstones have left comes after them.
        for is_last in (False, True):
            sending = (row for _, row in rows if isinstance(row, Erased) is is_last)
            while part := list(islice(sending, PLAIN_ROWS)):
                await asyncio.gather(*map(self._send, part))
        offset = rows[-1][0]
        number = sum(row[0] == offset for row in rows)
        if self._cursor[0] == offset:
            number += self._cursor[1]
        self._cursor = (offset, number)

    async def _send(self, row: OutboxRow) -> None:
        partition = self._state.partition
        if isinstance(row, EventTombstone):
            await self._append(self._topic, partition, row.key, None)
        elif isinstance(row, Release):
            partition = self._identity.partition_of_id(row.id)
            offset = await self._append(self._topics.events, partition, event_key(), row.value)
            if self._on_release is not None:
                if offset < 0:
                    raise Unavailable(
                        "Kafka does not say where the release stands: it is sent again"
                    )
                self._on_release(partition, offset, row.value)
        elif isinstance(row, Erased):
            event = DeletionTombstoned(
                account=row.account, at=now(), id=row.deletion, events=row.events
            )
            await self._append(self._topics.events, partition, event_key(), encode(event))

    async def _commit(self, records: list[Publication], published: int | None) -> None:
        """`published` is the new progress; None: it stays where it is."""
        async with self._committing:
            holes = self._state.holes
            if published is None:
                published = self._state.published
            await self._publisher.publish([*records, self._progress(published)])
            self._proven = holes
            self._state.left(published)

    def _progress(self, published: int) -> Publication:
        return progress_record(self._topics, self._topic, self._state.partition, published)

    def _publications(self, rows: Rows) -> list[Publication]:
        last_forget = self._state.last_forget
        gone = self._forgotten(
            row.id
            for offset, row in rows
            if offset <= last_forget and isinstance(row, PublicDocument) and row.value is not None
        )
        records: list[Publication] = []
        for _, row in rows:
            match row:
                case Claim() | Withdrawal():
                    pass  # rule 2
                case PublicDocument(id_, value, account):
                    if value is None or id_ not in gone:
                        partition, key = self._state.partition, id_.encode()
                        whose = ((ACCOUNT_HEADER, account.encode()),)
                        records.append(
                            Publication(self._topics.profiles, partition, key, value, whose)
                        )
                case EventTombstone() | Release() | Erased():
                    raise AssertionError("plain rows leave in no transaction")
        return records

    def _forgotten(self, ids: Iterable[str]) -> set[str]:
        """Which of these profiles were forgotten since: their documents are not published any more."""
        wanted = list(dict.fromkeys(ids))
        rows = self._state.storage.get_many([keyspace.forgotten(id_) for id_ in wanted])
        return {id_ for id_, row in zip(wanted, rows, strict=True) if row is not None}


def _is_plain(row: OutboxRow) -> bool:
    return isinstance(row, EventTombstone | Release | Erased)


def _run_of_forgets(rows: Rows) -> Rows:
    """The rows of two or more events at the beginning that make nothing but tombstones; none when there are fewer."""
    run = list(takewhile(lambda row: _may_be_repeated(row[1]), rows))
    if len(run) == len(rows) > ROWS or (
        0 < len(run) < len(rows) and rows[len(run)][0] == run[-1][0]
    ):
        # The last event may have more rows.
        run = [row for row in run if row[0] != run[-1][0]]
    return run if run and run[0][0] != run[-1][0] else []


def _may_be_repeated(row: OutboxRow) -> bool:
    if isinstance(row, PublicDocument):
        return row.value is None
    return isinstance(row, Withdrawal | EventTombstone | Erased)
