"""The relay of a partition of ``profile-emails``: releases, and tombstones for records that no longer count.

1. Releases leave as the relay's rules say.
2. Tombstones of repeats leave before the others.
3. Another tombstone leaves when the progress has passed the record that it follows from, and the fold the tombstones
   of repeats that left before it. They leave in the order of the log.

So a replay that takes a repeat, because compaction has taken what it repeats, makes no release of it: that would lie
below the progress. Until it folds the repeat's tombstone it takes the repeat's profile for the holder of the email, and
a claim that comes before that would release nobody else; but who really held it was released before other tombstones
left, and so before anything that is repeated could be compacted away.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from projections.email_index import EmailState, Waiting, waiting_tombstones
from projections.partition import NOTHING
from schemas.errors import Unavailable
from schemas.identity import Identity
from streams.log.topics import Topics
from streams.partition.claim_sender import AppendInOrder
from streams.partition.relay import Append, OnRelease, Publisher, Relay

RECORDS: Final = 500  # whose tombstones are sent at once

Rows = Sequence[tuple[int, Waiting]]


class EmailRelay(Relay):
    """Publishes the outbox of `emails` and sends its tombstones."""

    def __init__(
        self,
        emails: EmailState,
        topics: Topics,
        identity: Identity,
        publisher: Publisher,
        append: Append,
        append_in_order: AppendInOrder,
        on_release: OnRelease | None = None,
    ) -> None:
        super().__init__(
            emails,
            topics.emails,
            topics,
            identity,
            publisher,
            append,
            on_release=on_release,
        )
        self._emails = emails
        self._append_in_order = append_in_order
        # What follows from records below this offset has left: a scan need not pass over its deleted rows.
        self._next_tombstone = 0
        # Where the last tombstone of a repeat stands; of former ones the fold has caught up with all.
        self._last_repeat = NOTHING

    async def _catch_up(self) -> bool:
        """No release waits: the progress passes all that is applied, and tombstones leave."""
        left = waiting_tombstones(self._emails.storage, self._next_tombstone)
        waiting = list(islice(left, RECORDS))
        repeats = [row for row in waiting if row[1].of_repeat]
        if repeats:
            await self._send_repeats(repeats)
        elif waiting and await self._pass(waiting[-1][0]):
            await self._append_tombstones(waiting)
            self._drop(waiting)
            self._next_tombstone = waiting[-1][0] + 1
        else:
            return await super()._catch_up()
        # What was folded meanwhile waits for the next time, or each would get a transaction of its own.
        return len(waiting) == RECORDS or await super()._catch_up()

    async def _pass(self, offset: int) -> bool:
        """Rule 3: the progress passes the offset; False when the last repeat's tombstone is not folded yet."""
        if self._emails.applied < self._last_repeat:
            return False
        if self._emails.published <= offset:
            await self._commit([], self._emails.applied + 1)
        return True

    async def _send_repeats(self, waiting: Rows) -> None:
        last = await self._append_tombstones(waiting)
        if last < 0:
            raise Unavailable("Kafka does not say where the tombstones stand: they are sent again")
        self._last_repeat = last
        self._drop(waiting)

    async def _append_tombstones(self, waiting: Rows) -> int:
        """Returns the offset of the last one, as the appender gives it."""
        records = [(key, None) for _, row in waiting for key in row.keys]
        return await self._append_in_order(self._topic, self._emails.partition, records)

    def _drop(self, waiting: Rows) -> None:
        self._emails.drop_tombstones([offset for offset, _ in waiting])
