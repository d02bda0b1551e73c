"""The connections of a process: whose turn it is to go when descriptors run out (contract §16)."""

import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

log = logging.getLogger(__name__)

_SAID_EVERY_SECONDS: Final = 60


class Closable(Protocol):
    """A connection."""

    def give_way(self) -> None:
        """Close it, for another is to have its descriptor."""


class Crowd:
    """The connections that wait for a request, the longest first, and those whose request does not move."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle: dict[Closable, None] = {}
        self.slow: list[Closable] = []
        self._clock = clock
        self._closed = 0
        self._silent_until = 0.0

    def make_room(self) -> bool:
        """Close the connection that is the least loss; False when all of them are busy."""
        if self.idle:
            leaving = next(iter(self.idle))
            del self.idle[leaving]
        elif self.slow:
            leaving = self.slow.pop()
        else:
            self._report("and all of them are busy: new ones are refused")
            return False
        self._closed += 1
        leaving.give_way()
        self._report(f"the longest idle are closed for new ones, {self._closed} so far")
        return True

    def _report(self, what: str) -> None:
        if self._clock() >= self._silent_until:
            self._silent_until = self._clock() + _SAID_EVERY_SECONDS
            log.warning("all descriptors for connections are in use (raise `ulimit -n`), %s", what)
