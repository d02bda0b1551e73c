"""What goes first while a batch is received or folded: requests before the fold, and receiving before folding."""

import asyncio
import contextlib
import time
from collections.abc import Generator
from typing import Final

from streams.pace import Pace
from streams.timed_wait import set_within

# How long folding pauses after each chunk while a batch is being received.
_PAUSE_SECONDS: Final = 0.3
# How long after a full chunk more of them are expected.
_BACKLOG_SECONDS: Final = 0.3


class BatchPace:
    """Shared by what receives batches, by the folds, and by what works behind them."""

    def __init__(self, requests: Pace) -> None:
        self._requests = requests
        self._receiving = 0
        self._go_on = asyncio.Event()
        self._backlog_until = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether a batch is received or folded: what nobody waits for should pause."""
        return self._receiving > 0 or time.monotonic() < self._backlog_until

    @contextlib.contextmanager
    def receiving(self) -> Generator[None]:
        """Until the block ends a batch is received, and folding pauses."""
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1
            self._go_on.set()

    @contextlib.contextmanager
    def folding_first(self) -> Generator[None]:
        """Until the block ends a batch that is being received waits for the fold, which goes on at once."""
        self._receiving -= 1
        self._go_on.set()
        try:
            yield
        finally:
            self._receiving += 1

    def write_waits(self) -> None:
        """A single write waits for its fold: folding goes on at once."""
        self._go_on.set()

    @property
    def is_live(self) -> bool:
        """Whether requests are being served, which go first between two slices of a chunk."""
        return self._requests.is_live

    def full_chunk_folded(self) -> None:
        """More of them are expected."""
        self._backlog_until = time.monotonic() + _BACKLOG_SECONDS

    async def let_others_run(self, *, write_waits: bool) -> None:
        """Between two chunks: a batch is received before it is folded, unless a single write waits for its fold."""
        if not self._receiving or write_waits:
            await asyncio.sleep(0)
            return
        self._go_on.clear()
        await set_within(self._go_on, _PAUSE_SECONDS)
