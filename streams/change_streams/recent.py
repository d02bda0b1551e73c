"""The last changes of all accounts, kept once for all streams, in bounded memory.

Those of one account are linked, and a stream holds the last one that it has seen: that is all the memory that a
stream takes. When a change has to go, the link to it is cut, so that a stream that has not seen it finds out.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from schemas.stream_cursors import StreamCursor
from streams.change_streams.change_record import CUT, ChangeRecord, KafkaRecord, Link, account_of

# What a change takes besides its value, and again its value once it is encoded.
_RECORD_BYTES: Final = 600
_WOKEN_TOGETHER: Final = 50


class Channel:
    """The changes of one account: `base` stands before the first that is remembered, `last` is the newest."""

    __slots__ = ("base", "last", "wakes")

    def __init__(self) -> None:
        self.base: Link = Link()
        self.last: Link = self.base
        self.wakes: set[Callable[[], None]] = set()


class Recent:
    """The changes read since `offsets`, the next offset per partition, at most some `limit` bytes of them.

    `ends` is where the log ended then: what is before is read from a log that may have been compacted.
    """

    def __init__(self, offsets: Iterable[int], ends: Iterable[int], limit: int) -> None:
        self._offsets = list(offsets)
        self._ends = tuple(ends)
        self._floor = list(self._offsets)
        self._limit = limit
        self._bytes = 0
        self._order: deque[tuple[Channel, ChangeRecord]] = deque()
        self._channels: dict[str, Channel] = {}

    def now(self) -> tuple[int, ...]:
        """Where somebody begins who wants only what is still to come."""
        return tuple(map(max, self._offsets, self._ends))

    def holds(self, offsets: Sequence[int]) -> bool:
        """Whether all changes from these offsets on are remembered."""
        return all(map(int.__ge__, offsets, self._floor))

    def channel(self, account: str) -> Channel:
        found = self._channels.get(account)
        if found is None:
            found = self._channels[account] = Channel()
        return found

    def leave(self, account: str) -> None:
        """Nobody listens for the account any more, perhaps."""
        self._drop_unused(account, self.channel(account))

    def add(self, records: Iterable[KafkaRecord]) -> None:
        """Take consecutive records of one partition, and wake who listens for their accounts."""
        woken: dict[str, Channel] = {}
        for record in records:
            partition = record.partition
            self._offsets[partition] = record.offset + 1
            account = account_of(record)
            if account is None:
                continue
            cursor = StreamCursor(record.timestamp, tuple(self._offsets))
            exact = record.offset >= self._ends[partition]
            channel = woken[account] = self.channel(account)
            change = ChangeRecord(record, account, cursor, exact=exact)
            channel.last.next = change
            channel.last = change
            self._order.append((channel, change))
            self._bytes += _weight(change)
        while self._bytes > self._limit:
            self._drop_first()
        for channel in woken.values():
            _wake(iter(list(channel.wakes)))

    def _drop_first(self) -> None:
        channel, change = self._order.popleft()
        self._bytes -= _weight(change)
        self._floor[change.partition] = change.offset + 1
        channel.base.next = CUT
        channel.base = change
        self._drop_unused(change.account, channel)

    def _drop_unused(self, account: str, channel: Channel) -> None:
        if channel.base is channel.last and not channel.wakes:
            self._channels.pop(account, None)


def _weight(change: ChangeRecord) -> int:
    return _RECORD_BYTES + 2 * change.size


def _wake(wakes: Iterator[Callable[[], None]]) -> None:
    """Some in each turn of the loop: each goes on to write, and a thousand of them would hold everybody up."""
    woken = list(islice(wakes, _WOKEN_TOGETHER))
    for wake in woken:
        wake()
    if len(woken) == _WOKEN_TOGETHER:
        asyncio.get_running_loop().call_soon(_wake, wakes)
