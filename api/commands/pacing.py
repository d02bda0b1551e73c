"""Work that goes on for longer than the event loop may be held."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Final, TypeVar

from schemas.errors import Unavailable

MAX_WAITING: Final = 16
"""Requests that wait for their turn or have it; another one is answered 503."""

_SLICE_SECONDS: Final = 0.002

_Item = TypeVar("_Item")


async def paced(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    """The items one by one. The loop is left to others whenever work on them has taken 2 ms."""
    until = time.perf_counter() + _SLICE_SECONDS
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_SECONDS


class Turns:
    """Lets one request at a time do long work on the loop: two would hold it for two slices in a row."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for the turn and have it. Raises `Unavailable` when too many wait already."""
        if self._waiting == MAX_WAITING:
            raise Unavailable("Too many requests of this kind at once: try again", retry_after=5)
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1
