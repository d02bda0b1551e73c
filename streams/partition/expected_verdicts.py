"""Writes that wait for their fold: from before the append until the verdict on the event."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from schemas.errors import Unavailable
from streams.log.appender import Keyed

V = TypeVar("V")
T = TypeVar("T")


class Appends(Protocol):
    """What a write needs of the appender (`streams.log.appender`)."""

    async def append_many(
        self, topic: str, partition: int, records: Sequence[Keyed]
    ) -> "list[asyncio.Future[int]]": ...

    async def wait(self, done: "asyncio.Future[int]") -> int: ...


class ExpectedVerdicts(Generic[V]):
    """The verdicts that writes of this process wait for, by the key of their event.

    `timeout` (seconds) bounds how long a write waits for the fold of what is in the log. `on_expect` is called when a
    write begins to wait.
    """

    def __init__(self, timeout: float, on_expect: Callable[[], None] | None = None) -> None:
        self._timeout = timeout
        self._on_expect = on_expect
        self._waiters: dict[bytes, asyncio.Future[V]] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def expect(self, key: bytes) -> "asyncio.Future[V]":
        """The verdict of the event that will be appended with this key; to be called before it is appended."""
        waiter = self._waiters[key] = asyncio.get_running_loop().create_future()
        if self._on_expect is not None:
            self._on_expect()
        return waiter

    def cancel_wait(self, key: bytes) -> None:
        """Stops waiting for the verdict of the event `key`."""
        self._waiters.pop(key, None)

    def report(self, key: bytes, verdict: V) -> None:
        """The event `key` is folded."""
        waiter = self._waiters.pop(key, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(verdict)

    async def in_time(self, work: Awaitable[T]) -> T:
        """The result of `work`, which waits for verdicts. Raises `Unavailable` when the time is up first."""
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            raise Unavailable(
                "the write is in the log but not folded yet: it will be; sending it again is safe"
            ) from None

    async def append(
        self, appender: Appends, topic: str, partition: int, records: Sequence[Keyed]
    ) -> list[V]:
        """Appends events, in order, and returns their verdicts once all are folded.

        Raises `Unavailable`, whose text says whether the writes may still happen.
        """
        verdicts = [self.expect(key) for key, _ in records]
        try:
            for ack in await appender.append_many(topic, partition, records):
                await appender.wait(ack)
            return await self.in_time(_all(verdicts))
        finally:
            for key, _ in records:
                self.cancel_wait(key)


async def _all(verdicts: "list[asyncio.Future[V]]") -> list[V]:
    return [await verdict for verdict in verdicts]
