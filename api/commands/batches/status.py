"""The status of a batch (contract §4), and the answer that a repeat of it gets (contract §14)."""

from typing import Final

from cachetools import FIFOCache

from api.commands.repeating import KeyedRequest
from projections.batches import Batch
from schemas.errors import NotFound
from schemas.identity import is_id
from streams.cluster.operations import BatchOf, Shows
from streams.node import Node


class Batches:
    """Finds batches, among them those that this node has received and not folded yet."""

    _KEPT: Final = 10_000

    def __init__(self, node: Node) -> None:
        self._node = node
        self._recent = FIFOCache[str, Batch](self._KEPT)

    def add(self, id_: str, batch: Batch) -> None:
        """Remembers a batch that this node has received, until it is folded."""
        self._recent[id_] = batch

    async def get(self, account: str, id_: str) -> Batch:
        """Raises `NotFound`, `Unavailable`."""
        batch = await self._find(account, id_)
        if batch is None and is_id(id_):
            # Another node may have received it a moment ago: what is in the log by now is folded first.
            await self._node.cluster.wait_for_end(self._node.identity.partition_of_id(id_))
            batch = await self._find(account, id_)
        if batch is None:
            raise NotFound("No such batch")
        return batch

    async def answered(self, keyed: KeyedRequest | None) -> Batch | None:
        """The batch with this key, if it was received whole and its answer can be given again. Raises `Unavailable`."""
        if keyed is None or keyed.opened is None:
            return None
        batch = await self._find(keyed.account, keyed.batch)
        at = keyed.opened.at
        return batch if batch is not None and batch.created_at == at and batch.errors else None

    async def _find(self, account: str, id_: str) -> Batch | None:
        batch = None
        if is_id(id_):
            partition = self._node.identity.partition_of_id(id_)
            batch = await self._node.cluster.read(BatchOf(partition, account, id_))
        recent = self._recent.get(id_)
        if recent is None or recent.account != account:
            return batch
        if batch is not None and batch.created_at >= recent.created_at:
            del self._recent[id_]
            return batch
        return recent

    async def applied(self, batch: Batch) -> bool:
        """Whether every read shows all of the batch, by email too. Raises `Unavailable`."""
        read = self._node.cluster.read
        for partition, offset in batch.last.items():
            if not await read(Shows(int(partition), offset)):
                return False
        return True
