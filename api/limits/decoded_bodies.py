"""Bounds on the decoded bodies of single requests that a node holds at once (contract §2).

JSON takes up to 30 times its bytes once it is decoded. So a body waits until those that are being handled leave it
room, and has that room until its request has been answered. Large bodies and short ones have a lane each, and very
short ones pass: a flood of large bodies does not hold up ordinary writes.
"""

import asyncio
from collections import deque
from typing import Final

from schemas.errors import Unavailable

LANE_BYTES: Final = 2 << 20
"""Bytes of the bodies, before they are decoded, that one lane holds."""

PASSING: Final = 2 << 10
"""Bytes of a body that takes no room."""

_SHORT: Final = 1 << 16
_FULL: Final = "Too many large requests are being handled: send this one again"
_RETRY_SECONDS: Final = 2


class Handling:
    """Lets requests wait for room, at most `wait_seconds`."""

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._short = _Lane()
        self._large = _Lane()
        self._held: dict[object, tuple[_Lane, int]] = {}

    async def enter(self, size: int) -> None:
        """Waits for room for a body of `size` bytes; the current task has it until it ends. Raises `Unavailable`."""
        if size <= PASSING:
            return
        lane = self._short if size <= _SHORT else self._large
        size = min(size, LANE_BYTES)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await lane.take(size)
        except TimeoutError:
            raise Unavailable(_FULL, retry_after=_RETRY_SECONDS) from None
        task = asyncio.current_task()
        assert task is not None
        self._held[task] = lane, size
        task.add_done_callback(self._leave)

    def leave(self) -> None:
        """Gives the room of the current task back before its end: the body is no longer needed."""
        self._leave(asyncio.current_task())

    def _leave(self, task: object) -> None:
        lane, size = self._held.pop(task, (None, 0))
        if lane is not None:
            lane.give_back(size)


class _Lane:
    def __init__(self) -> None:
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        if not self._waiting and self._used + size <= LANE_BYTES:
            self._used += size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._admit()  # those behind it may be smaller
            else:  # the turn and the cancellation came together
                self.give_back(size)
            raise

    def give_back(self, size: int) -> None:
        self._used -= size
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.done():
                if self._used + size > LANE_BYTES:
                    return
                self._used += size
                turn.set_result(None)
            self._waiting.popleft()
