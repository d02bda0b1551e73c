"""Bounds on the bodies that a node receives and handles at once (contract §2, §4, §15).

A batch costs up to six times its body while it is handled, so room for it is reserved before its body is read, in one
of three pools that cannot take room from one another:

* large bodies of those who have shown a good secret;
* bodies of at most 1 MiB of theirs, so that a flood of batches does not hold up small ones and single writes;
* bodies that have shown no secret yet, because it may be in the body.

A body that alone is larger than its pool is taken when the pool is empty.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Generator
from typing import Final

from api.limits.decoded_bodies import Handling
from schemas.errors import TooManyRequests, Unavailable

SMALL: Final = 1 << 20
_SHARE: Final = 4  # the pools beside the one for large bodies have a fourth of its size each
_WAIT_SECONDS: Final = 2  # a full batch takes some 3 s
_FULL: Final = "Too many large bodies are being received: this one was not, send it again"


class _Pool:
    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._used = 0

    def take(self, size: int) -> None:
        if self._used and self._used + size > self._capacity:
            raise Unavailable(_FULL, retry_after=_WAIT_SECONDS)
        self._used += size

    def give_back(self, size: int) -> None:
        self._used -= size

    @property
    def is_empty(self) -> bool:
        return not self._used


class Room:
    """The room of one body; `size` in bytes."""

    def __init__(self, intake: "Intake", size: int, *, authenticated: bool) -> None:
        self._intake = intake
        self._authenticated = authenticated
        self._pool = intake.pool(size, authenticated=authenticated)
        self._pool.take(size)
        self._size = size

    def settle(self, size: int) -> None:
        """The body is there, has this size and comes from an account. Raises `Unavailable`."""
        pool = self._pool if self._authenticated else self._intake.pool(size, authenticated=True)
        self.give_back()
        pool.take(size)
        self._pool, self._size, self._authenticated = pool, size, True

    def give_back(self) -> None:
        self._pool.give_back(self._size)
        self._size = 0


class Intake:
    """What one node receives: `max_batches` at once of an account, `max_bytes` of large bodies of all accounts.

    Requests that are no batches wait for `handling` before their body is decoded, at most `wait_seconds`. `emptied` is
    called when no large body is left. Holding `turn`, one batch at a time takes a step of its work: several steps in a
    row would hold the loop up.
    """

    def __init__(
        self,
        *,
        max_batches: int,
        max_bytes: int,
        wait_seconds: float,
        emptied: Callable[[], None] = lambda: None,
    ) -> None:
        self.turn = asyncio.Lock()
        self.handling = Handling(wait_seconds)
        self._emptied = emptied
        self._max_batches = max_batches
        self._batches: dict[str, Counter[object]] = {}
        self._large = _Pool(max_bytes)
        self._small = _Pool(max_bytes // _SHARE)
        self._anonymous = _Pool(max_bytes // _SHARE)

    def pool(self, size: int, *, authenticated: bool) -> _Pool:
        if not authenticated:
            return self._anonymous
        return self._small if size <= SMALL else self._large

    @contextlib.contextmanager
    def room(self, size: int, *, authenticated: bool) -> Generator[Room]:
        """Reserves room for a body of this size, or of at most this size. Raises `Unavailable`."""
        room = Room(self, size, authenticated=authenticated)
        try:
            yield room
        finally:
            room.give_back()
            if size > SMALL and self._large.is_empty:
                self._emptied()

    @contextlib.contextmanager
    def batch(self, account: str, key: str | None) -> Generator[None]:
        """Counts a batch of the account while it is received and handled. Raises `TooManyRequests`.

        Those with one Idempotency-Key wait for each other, and count as one.
        """
        batches = self._batches.setdefault(account, Counter())
        name = object() if key is None else key
        if name not in batches and len(batches) >= self._max_batches:
            raise TooManyRequests(
                f"{self._max_batches} batches of this account are being handled: send this one again",
                wait=_WAIT_SECONDS,
            )
        batches[name] += 1
        try:
            yield
        finally:
            batches[name] -= 1
            if not batches[name]:
                del batches[name]
            if not batches:
                self._batches.pop(account, None)
