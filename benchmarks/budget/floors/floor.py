"""What one item of a part alone takes."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import msgspec


class Floor(msgspec.Struct, frozen=True):
    """Microseconds of one item: on the clock, and of CPU."""

    clock: float
    cpu: float


class Stopwatch:
    """Adds up what runs within `running`: seconds on the clock, and of CPU of all threads of the process."""

    def __init__(self) -> None:
        self._clock = 0.0
        self._cpu = 0.0

    @contextmanager
    def running(self) -> Generator[None]:
        clock, cpu = time.perf_counter(), time.process_time()
        yield
        self._clock += time.perf_counter() - clock
        self._cpu += time.process_time() - cpu

    def floor(self, items: float) -> Floor:
        """Of each of the items."""
        return Floor(1e6 * self._clock / items, 1e6 * self._cpu / items)
