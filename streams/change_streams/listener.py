"""One stream's way through the changes of an account: first what it has missed, then what comes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from schemas.errors import ProfilelogError
from schemas.stream_cursors import StreamCursor
from streams.change_streams.change_record import CUT, ChangeRecord, KafkaRecord, Link, account_of
from streams.change_streams.recent import Channel, Recent
from streams.clock import now

BEAT_SECONDS: Final = 15.0
_PORTION_BYTES: Final = 64 << 10


ReadMissed: TypeAlias = Callable[[int, int, int], Awaitable[tuple[Sequence[KafkaRecord], int]]]
"""`CatchUpReader.read`"""


class TooSlow(ProfilelogError):
    """The consumer did not read the changes as fast as they came, and some were dropped from memory."""


class Ended(ProfilelogError):
    """Changes cannot be read any more: the service stops, or Kafka does not answer."""


class Listener:
    """Takes the changes of one account, in order: from `cursor` on, or with None from now on."""

    def __init__(self, account: str, cursor: StreamCursor | None, read_missed: ReadMissed) -> None:
        self._account = account
        self._read_missed = read_missed
        self._cursor = cursor
        self._news = asyncio.Event()
        self._beat: asyncio.TimerHandle | None = None
        self._is_due = False
        self._ended = False
        self._recent: Recent
        self._channel: Channel | None = None
        self._last: Link
        # What is below these offsets was seen before, or is not wanted.
        self._seen: tuple[int, ...] = ()
        # While it catches up: up to where.
        self._target: tuple[int, ...] | None = None

    def follow(self, recent: Recent) -> None:
        """Begin."""
        self._recent = recent
        self._channel = recent.channel(self._account)
        self._channel.wakes.add(self._news.set)
        if self._cursor is None:
            self._cursor = StreamCursor(now(), recent.now())
        self._seen = self._cursor.offsets
        self._go_on()
        self._wait_for_beat()

    def _wait_for_beat(self) -> None:
        self._beat = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._set_due)

    def _set_due(self) -> None:
        self._is_due = True
        self._news.set()
        self._wait_for_beat()

    def is_due(self) -> bool:
        """Whether it is time to say something, be there anything new or not; until the next time it is not any more."""
        due, self._is_due = self._is_due, False
        return due

    def _go_on(self) -> None:
        """From what is remembered, if that is all there is to see; otherwise catch up with what is new now."""
        assert self._channel is not None
        if self._recent.holds(self._seen):
            self._last, self._target = self._channel.base, None
        else:
            self._target = self._recent.now()

    def leave(self) -> None:
        """Come to the end."""
        if self._beat is not None:
            self._beat.cancel()
        if self._channel is not None:
            self._channel.wakes.discard(self._news.set)
            self._recent.leave(self._account)

    def end(self) -> None:
        self._ended = True
        self._news.set()

    @property
    def is_idle(self) -> bool:
        """Whether all that there is was taken."""
        return self._target is None and self._last.next is None

    def reached(self) -> StreamCursor:
        """Where to resume who has seen all that `take` has given."""
        if self.is_idle:
            self._cursor = StreamCursor(now(), tuple(map(max, self._seen, self._recent.now())))
        assert self._cursor is not None
        return self._cursor

    async def take(self) -> list[ChangeRecord]:
        """The next changes, some 64 KiB or, of what was missed, 256; it may be none, among others when it is due.

        Raises `TooSlow`, `Ended`, and `Unavailable` when Kafka does not answer.
        """
        if self._target is not None and not self._ended:
            return await self._missed(self._target)
        if self.is_idle and not self._ended and not self._is_due:
            self._news.clear()
            await self._news.wait()
        if self._ended:
            raise Ended
        return self._new()

    def _new(self) -> list[ChangeRecord]:
        taken: list[ChangeRecord] = []
        size = 0
        following = self._last.next
        while isinstance(following, ChangeRecord) and size < _PORTION_BYTES:
            self._last = following
            if following.offset >= self._seen[following.partition]:
                taken.append(following)
                size += following.size
                self._cursor = following.cursor
            following = following.next
        if following is CUT and not taken:
            raise TooSlow
        return taken

    async def _missed(self, target: Sequence[int]) -> list[ChangeRecord]:
        """A portion of what is below the target, partition by partition."""
        assert self._cursor is not None
        for partition, end in enumerate(target):
            start = self._seen[partition]
            if start >= end:
                continue
            records, position = await self._read_missed(partition, start, end)
            taken: list[ChangeRecord] = []
            for record in records:
                self._pass(partition, record.offset + 1)
                if account_of(record) == self._account:
                    change = ChangeRecord(record, self._account, self._cursor, exact=False)
                    taken.append(change)
            self._pass(partition, position)
            return taken
        self._cursor = StreamCursor(now(), self._seen)
        self._go_on()
        return []

    def _pass(self, partition: int, offset: int) -> None:
        """All of a partition below the offset is seen."""
        assert self._cursor is not None
        self._seen = (*self._seen[:partition], offset, *self._seen[partition + 1 :])
        self._cursor = StreamCursor(self._cursor.at, self._seen)
