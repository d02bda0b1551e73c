"""Asks other nodes what the settlement of emails waits for (`streams.partition.settlement_among_nodes`)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from schemas.errors import Unavailable
from streams.cluster.operations import ClaimsSettled, FoldedTo, IndexSettled
from streams.cluster.peers import Peers
from streams.log.topics import Topics
from streams.partition.sent_outputs import SentClaims
from streams.partition.settlement_among_nodes import SettlementAmongNodes
from streams.timed_wait import set_within

_LOOK_SECONDS: Final = 1.0


class Settling:
    """Follows, for each partition of another node, what is awaited of it; an asking at a time for each wait."""

    def __init__(self, peers: Peers, topics: Topics, settlement: SettlementAmongNodes) -> None:
        self._peers = peers
        self._partitions = range(topics.partitions)
        self._settlement = settlement
        self._wake = asyncio.Event()
        self._asking: dict[object, asyncio.Task[None]] = {}
        settlement.on_wait = self._wake.set

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        try:
            while True:
                for partition in self._partitions:
                    self._look(partition)
                self._wake.clear()
                await set_within(self._wake, _LOOK_SECONDS)
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _look(self, partition: int) -> None:
        settlement = self._settlement
        if settlement.awaited_fold(partition) is not None:
            self._ask(("fold", partition), lambda: self._fold(partition))
        if settlement.awaited_index(partition) is not None:
            self._ask(("index", partition), lambda: self._index(partition))
        for sent in settlement.awaited_claims(partition):
            self._ask(
                (partition, sent.offset, tuple(sent.names)),
                lambda sent=sent: self._claims(partition, sent),
            )

    def _ask(self, wait: object, ask: Callable[[], Awaitable[None]]) -> None:
        """One asking for each wait; when it ends, what is awaited then is looked at again."""
        if wait in self._asking:
            return

        async def asked() -> None:
            try:
                with contextlib.suppress(Unavailable):  # asked again, while it is awaited
                    await ask()
            finally:
                del self._asking[wait]
                self._wake.set()

        self._asking[wait] = asyncio.create_task(asked(), name="ask for a settlement")

    async def _fold(self, partition: int) -> None:
        while (offset := self._settlement.awaited_fold(partition)) is not None:
            applied = await self._peers.ask(FoldedTo(partition, offset))
            self._settlement.reached(partition, applied)

    async def _index(self, partition: int) -> None:
        while (end := self._settlement.awaited_index(partition)) is not None:
            if await self._peers.ask(IndexSettled(partition, end)):
                self._settlement.index_settled_elsewhere(partition, end)

    async def _claims(self, partition: int, sent: SentClaims) -> None:
        asked = ClaimsSettled(partition, sent.offset, [*sent.names])
        while sent in self._settlement.awaited_claims(partition):
            if await self._peers.ask(asked):
                self._settlement.settled_elsewhere(partition, sent)
                return
