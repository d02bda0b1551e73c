"""How Python is set for a process that folds: its garbage collector, its lock, and the memory that it keeps."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from typing import Final

_SWITCH_SECONDS: Final = 0.0005
_TRIM_AFTER_SECONDS: Final = (5, 30, 60, 60, 120, 240, 480)  # each from the one before


def tune_garbage_collector() -> None:
    """Keep the collector from looking again and again at what lives on.

    What a start leaves behind lives as long as the process, and the objects of a batch are freed
    by their reference counts. With Python's own thresholds a batch of 265,000 costs 2.4 s of
    collections, up to 170 ms each; with these 0.1 s, up to 35 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def shorten_waits_for_the_lock() -> None:
    """Let the event loop have the interpreter's lock back soon from the threads that feed the search index.

    Python lets a thread keep it for 5 ms, which is what a whole write takes.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)


class MemoryReturn:
    """Gives the memory that large requests have left behind back to the system, 5 s after the last of them.

    And again some times later: what a batch has brought is folded and indexed for minutes after its answer. glibc
    keeps what is freed between blocks in use: a third of the process after a flood of full batches. Other C libraries
    are left alone.
    """

    def __init__(self, trim: Callable[[int], object] | None = None) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._trim = trim or getattr(ctypes.CDLL(None), "malloc_trim", None)

    def schedule(self) -> None:
        """The last large request has ended."""
        if self._timer is not None:
            self._timer.cancel()
        if self._trim is not None:
            self._after(iter(_TRIM_AFTER_SECONDS), self._trim)

    def _after(self, delays: Iterator[int], trim: Callable[[int], object]) -> None:
        loop = asyncio.get_running_loop()

        def give_back() -> None:
            loop.run_in_executor(None, trim, 0)
            self._after(delays, trim)

        delay = next(delays, None)
        self._timer = None if delay is None else loop.call_later(delay, give_back)
