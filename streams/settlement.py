"""When an email that was written has settled (design "Email index").

A write that changed an email answers when each claim that its profile has made so far is folded in the index, and
the release that follows, if another profile held the email, is folded too. This remembers, for the partitions of
this node, which claims are still on their way.
"""

import asyncio
from typing import Final

UNKNOWN: Final = -1
"""The partition of a claim that an outbox still names after a restart, but not where it was made."""


class Settlement:
    """Claims that were made and have not settled yet, in the order of the log per partition."""

    def __init__(self) -> None:
        self._open: dict[int, dict[bytes, int]] = {}
        self._partition: dict[bytes, int] = {}
        self._waiters: dict[bytes, asyncio.Future[None]] = {}
        self._lost: dict[bytes, list[bytes]] = {}
        self._held: dict[bytes, list[bytes]] = {}

    def made(self, claim: bytes, partition: int, offset: int) -> None:
        """An event at (partition, offset) made a claim."""
        self._open.setdefault(partition, {})[claim] = offset
        self._partition[claim] = partition

    def folded(self, claim: bytes, lost: bytes | None) -> None:
        """The index has the claim; `lost` is the claim that has to be released for it."""
        if lost is None:
            self._settle(claim)
        else:
            # More than one claim can lose the same one: the first winner may be withdrawn before the second comes.
            self._lost.setdefault(lost, []).append(claim)

    def released(self, lost: bytes) -> None:
        """The release of a lost claim is folded.

        Where the lost claim has not settled itself, the holder before it still shows the email: its winners wait
        for that release too.
        """
        winners = self._lost.pop(lost, [])
        if lost in self._partition:
            self._held.setdefault(lost, []).extend(winners)
            return
        for claim in winners:
            self._settle(claim)

    def before(self, partition: int, offset: int) -> bool:
        """Whether every claim made in the partition at or before the offset has settled."""
        if self._open.get(UNKNOWN):
            return False
        waiting = self._open.get(partition)
        return not waiting or next(iter(waiting.values())) > offset

    async def wait_before(self, partition: int, offset: int) -> None:
        """Wait until `before` is true."""
        while not self.before(partition, offset):
            open_ = self._open.get(UNKNOWN) or self._open[partition]
            await self.wait(next(iter(open_)))

    async def wait(self, claim: bytes) -> None:
        """Wait until the claim has settled; at once when it is not open."""
        if claim not in self._partition:
            return
        waiter = self._waiters.get(claim)
        if waiter is None:
            waiter = self._waiters[claim] = asyncio.get_running_loop().create_future()
        await asyncio.shield(waiter)

    def _settle(self, claim: bytes) -> None:
        partition = self._partition.pop(claim, None)
        if partition is None:
            return
        del self._open[partition][claim]
        waiter = self._waiters.pop(claim, None)
        if waiter is not None:
            waiter.set_result(None)
        for winner in self._held.pop(claim, ()):
            self._settle(winner)
