"""The connections of a process: whose turn it is to go when descriptors run out (contract §2)."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

log = logging.getLogger(__name__)

_SAID_EVERY_SECONDS: Final = 60


class Member(Protocol):
    """A connection."""

    def sweep(self) -> None:
        """End what takes too long; a second has passed."""

    def give_way(self) -> None:
        """Close it, for another is to have its descriptor."""


class Crowd:
    """The connections of one server.

    `open` counts them. `idle` has those that wait for a request, the longest first, `slow` those whose request did not
    move in the last second.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.open = 0
        self.idle: dict[Member, None] = {}
        self.slow: list[Member] = []
        self._clock = clock
        self._closed = 0
        self._silent_until = 0.0

    def sweep(self, connections: Iterable[Member]) -> None:
        """End what takes too long; called once a second with all connections."""
        self.slow.clear()
        for each in list(connections):
            each.sweep()

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
