"""The relay of a partition of ``profile-emails``: releases, and tombstones for records that no longer count.

1. Releases leave as the relay's rules say.
2. A tombstone leaves when the progress has passed the record that it follows from, and tombstones leave in the order of
   the log: so a replay that takes a repeat makes no release of it, for that would lie below the progress.
"""

from itertools import islice
from typing import Final

from projections.email_index import EmailState, waiting_tombstones
from schemas.identity import Identity
from streams.log.topics import Topics
from streams.partition.claim_sender import AppendInOrder
from streams.partition.relay import Append, Publisher, Relay

RECORDS: Final = 500  # whose tombstones are sent at once


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
    ) -> None:
        super().__init__(emails, topics.emails, topics, identity, publisher, append)
        self._emails = emails
        self._append_in_order = append_in_order
        # What follows from records below this offset has left: a scan need not pass over its deleted rows.
        self._next_tombstone = 0

    async def _catch_up(self) -> bool:
        """No release waits: the progress passes all that is applied, and tombstones leave."""
        left = waiting_tombstones(self._emails.storage, self._next_tombstone)
        waiting = list(islice(left, RECORDS))
        if not waiting:
            return await super()._catch_up()
        if waiting[-1][0] >= self._emails.published:
            await self._commit([], self._emails.applied + 1)
        records = [(key, None) for _, keys in waiting for key in keys]
        await self._append_in_order(self._topic, self._emails.partition, records)
        self._emails.drop_tombstones([offset for offset, _ in waiting])
        self._next_tombstone = waiting[-1][0] + 1
        # What was folded meanwhile waits for the next time, or each would get a transaction of its own.
        return len(waiting) == RECORDS or await super()._catch_up()
