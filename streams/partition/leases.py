"""How long a node may answer for its partitions: leases in the log (design "Many nodes").

1. The owner of a partition renews its lease by a record in a transaction of the partition's transactional id, so nobody
   renews who has been fenced. The lease counts from the clock *before* the renewal is sent.
2. An answer leaves only when the clock says, after all was read for it, that the leases of this node are good, and
   none was given up meanwhile that had run out.
3. The clock is CLOCK_BOOTTIME: it goes on while the machine is suspended.
4. Who is fenced reads the last record before it fences in turn: where that is another node's, it has been replaced.
5. The next owner first fences the former one, then reads its last record, and waits for as long as that lease may
   last by any clock (`Owner.seconds_left`); not where it was released, or that process has ended. Only then it looks
   where the log ends, folds up to there, renews, and answers.
6. Who releases has stopped answering before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

CLOCK_ERROR: Final = 0.01
"""By what part the rates of two nodes' clocks may differ from the true one: far more than any quartz."""

_RENEWALS: Final = 3  # in the time of a lease
_LOOK_SECONDS: Final = 0.5

Publish = Callable[[bytes], Awaitable[None]]
"""Writes the owner's record, encoded, in a transaction. Raises `PublicationFailed`."""


def boot_id() -> str:
    """Another one at each boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def boot_clock() -> float:
    """Seconds since the machine was booted, suspended or not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Owner(msgspec.Struct, frozen=True):
    """What the record of a partition's owner says: a node, the URL at which others reach it, and its lease.

    `boot` names the machine since it was booted. `seconds` is how long the lease lasts; one that `is_held` no longer
    was released.
    """

    node: str
    url: str
    boot: str = ""
    seconds: float = 0.0
    is_held: bool = True

    def has_ended(self, me: "Owner") -> bool:
        """Whether its process runs no more: it was this node, `me`, or one at the port that this node has now."""
        return self.node == me.node or (self.url, self.boot) == (me.url, me.boot)

    def seconds_left(self, received: float) -> float:
        """How long the lease may still last, by the owner's clock; it was received here at that time."""
        if not self.is_held:
            return 0.0
        longest = self.seconds * (1 + CLOCK_ERROR) / (1 - CLOCK_ERROR)
        return max(0.0, received + longest - boot_clock())


class Leases:
    """The leases of a node, `me`; `seconds` says how long a lease is to last that is renewed now."""

    def __init__(self, me: Owner, seconds: Callable[[], float]) -> None:
        self.me = me
        self.seconds = seconds
        self._until: dict[Lease, float] = {}
        self._lengths: dict[Lease, float] = {}
        self._first_end = float("inf")
        self.lapsed = 0
        """How many leases had run out when they were given up."""

    def are_good(self, lapsed: int) -> bool:
        """Whether an answer may leave now; `lapsed` is what it was before anything was read for it."""
        return boot_clock() < self._first_end and self.lapsed == lapsed

    @property
    def are_as_short(self) -> bool:
        """Whether none is longer than leases are to be now: another node would have to wait for its end."""
        return max(self._lengths.values(), default=0.0) <= self.seconds()

    def note(self, lease: "Lease", until: float | None, seconds: float = 0.0) -> None:
        """A lease of so many seconds lasts until then; None: it is given up."""
        self._lengths[lease] = seconds
        if until is None:
            self._lengths.pop(lease)
            self.lapsed += self._until.pop(lease, float("inf")) <= boot_clock()
        else:
            self._until[lease] = until
        self._first_end = min(self._until.values(), default=float("inf"))


class Lease:
    """The lease of one partition."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._seconds = 0.0
        self._until = 0.0
        self.has_begun = False

    async def renew(self, publish: Publish) -> None:
        """Renew the lease. Raises `PublicationFailed`."""
        seconds = self._leases.seconds()
        record = msgspec.structs.replace(self._leases.me, seconds=seconds)
        before = boot_clock()
        await publish(msgspec.json.encode(record))
        self._until = before + seconds
        self._leases.note(self, self._until, seconds)
        self._seconds = seconds
        self.has_begun = True

    async def until_due(self) -> None:
        """Waits until the lease is to be renewed: in time, and at once where leases are shorter from now on."""
        due = boot_clock() + self._seconds / _RENEWALS
        while self._leases.seconds() >= self._seconds and (left := due - boot_clock()) > 0:  # noqa: ASYNC110 - a clock
            await asyncio.sleep(min(left, _LOOK_SECONDS))

    @property
    def has_run_out(self) -> bool:
        """Whether another node may have taken the partition over since."""
        return self.has_begun and self._until <= boot_clock()

    def is_of_another(self, record: bytes) -> bool:
        """Whether the record of the partition's owner is another node's."""
        return msgspec.json.decode(record, type=Owner).node != self._leases.me.node

    def give_up(self) -> None:
        """This node answers no more for the partition, and says nothing of it."""
        self._leases.note(self, None)
        self.has_begun = False

    async def release(self, publish: Publish) -> None:
        """Say that this node answers no more for the partition, which it has stopped to. Raises `PublicationFailed`."""
        self._leases.note(self, None)
        if self.has_begun:
            self.has_begun = False
            record = msgspec.structs.replace(self._leases.me, is_held=False)
            await publish(msgspec.json.encode(record))
