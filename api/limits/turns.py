"""Work that one request at a time may do on the loop."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from schemas.errors import Unavailable

MAX_WAITING: Final = 16
"""Requests that wait for their turn or have it; another one is answered 503."""


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
