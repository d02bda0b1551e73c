"""What this node answers to the others' operations, of the partitions that it owns."""

import asyncio
from collections.abc import Awaitable, Callable

from streams.cluster.operations import (
    WAIT_SECONDS,
    Attempt,
    AttemptOf,
    BatchOf,
    ClaimsSettled,
    DeletionTime,
    EventKeyOf,
    FoldedTo,
    HolderOf,
    IndexSettled,
    OfPartition,
    OfState,
    ReadProfile,
    ShownTo,
    Shows,
)
from streams.partition.owned_partitions import OwnedPartitions
from streams.partition.settlement_among_nodes import SettlementAmongNodes


class Answering:
    """Answers from `partitions` and their `settlement`."""

    def __init__(self, partitions: OwnedPartitions, settlement: SettlementAmongNodes) -> None:
        self._partitions = partitions
        self._settlement = settlement
        self.on_wait: Callable[[], None] = _nothing
        """Called when another node waits for the fold of what it may have appended itself."""

    async def answer(self, asked: OfPartition) -> object:
        """The answer. Raises `Elsewhere` and `Unavailable` where this node does not own the partition."""
        partitions, partition = self._partitions, asked.partition
        match asked:
            case FoldedTo():
                state = partitions.profiles(partition)
                self.on_wait()
                await for_a_while(partitions.wait_events(partition, asked.offset))
                return state.applied
            case ClaimsSettled():
                partitions.emails(partition)
                self.on_wait()
                return await for_a_while(self._claims_settled(asked))
            case IndexSettled():
                return await for_a_while(self._index_settled(asked))
            case ShownTo():
                partitions.profiles(partition)
                self.on_wait()
                return await for_a_while(partitions.wait_shown(partition, asked.offset))
            case _:
                return self.read(asked)

    def read(self, asked: OfState) -> object:
        """The answer to what waits for nothing. Raises as `answer`."""
        partitions, partition = self._partitions, asked.partition
        match asked:
            case HolderOf():
                return partitions.emails(partition).holder(asked.email)
            case Shows():
                return partitions.shows(partition, asked.offset)
            case _:
                state = partitions.profiles(partition)
        match asked:
            case ReadProfile():
                if asked.id is not None:
                    return state.read_by_id(asked.id, asked.account)
                return state.read(asked.user, asked.account)
            case BatchOf():
                return state.batch(asked.batch, asked.account)
            case EventKeyOf():
                return state.event_key(asked.id, asked.offset)
            case DeletionTime():
                receipt = state.receipt(asked.deletion, asked.account)
                return None if receipt is None else receipt.requested_at
            case AttemptOf():
                return Attempt(
                    state.refuses(asked.repeat, asked.at),
                    state.first_attempt(asked.repeat, asked.at),
                    state.opened_batch(asked.batch, asked.at) if asked.batch else None,
                )

    async def _claims_settled(self, asked: ClaimsSettled) -> None:
        await self._partitions.wait_emails(asked.partition, asked.offset)
        await self._settlement.wait_settled_here(asked.partition, asked.claims)

    async def _index_settled(self, asked: IndexSettled) -> None:
        await self._partitions.wait_emails(asked.partition, asked.end - 1)
        await self._settlement.wait_released(asked.partition)


def _nothing() -> None:
    """Nothing is to be done for it."""


async def for_a_while(waits: Awaitable[None]) -> bool:
    """Whether what is waited for came in time."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await waits
    except TimeoutError:
        return False
    return True
