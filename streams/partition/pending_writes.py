"""What the writes of a node wait for: the verdict of the fold, then the settlement of the emails that it speaks of."""

import asyncio
from collections.abc import Callable, Iterable

from projections.email_index import Folded
from projections.fold.verdict import Verdict
from streams.partition.expected_verdicts import ExpectedVerdicts
from streams.partition.settlement_among_nodes import SettlementAmongNodes


class PendingWrites:
    """Gets from the folds of this node's partitions what its writes wait for. `timeout` in seconds, of a write."""

    def __init__(self, timeout: float, on_expect: Callable[[], None]) -> None:
        self.verdicts = ExpectedVerdicts[Verdict](timeout, on_expect)
        self.settlement = SettlementAmongNodes()

    def report(self, partition: int, verdicts: Iterable[tuple[bytes, Verdict]]) -> bool:
        """Events of a partition are folded; returns whether a claim was made, which its write waits for."""
        made = False
        expected, settlement = self.verdicts, self.settlement
        is_expecting = len(expected) > 0
        for key, verdict in verdicts:
            if verdict.made is not None:
                settlement.made(verdict.made, partition, verdict.offset)
                made = True
            if verdict.lost is not None:
                settlement.released(verdict.lost)
            if is_expecting:
                expected.report(key, verdict)
        return made

    def report_claims(self, partition: int, claims: Iterable[Folded]) -> bool:
        """Claims of an index partition are folded; returns whether one took an email from its holder."""
        took = False
        for claim, lost, is_known in claims:
            self.settlement.folded(partition, claim, lost, is_known=is_known)
            took |= lost is not None
        return took

    async def settled(self, partition: int, verdict: "asyncio.Future[Verdict]") -> Verdict:
        """The verdict, once the claims that it names have settled. Raises `Unavailable` when that takes too long."""
        if verdict.done() and self._has_settled(partition, verdict.result()):
            return (
                verdict.result()
            )  # what this node appends is mostly folded before the append returns
        return await self.verdicts.in_time(self._settled(partition, verdict))

    def _has_settled(self, partition: int, verdict: Verdict) -> bool:
        settled = self.settlement.settled
        return all(
            claim is None or settled(partition, claim) for claim in (verdict.claim, verdict.made)
        )

    async def _settled(self, partition: int, verdict: "asyncio.Future[Verdict]") -> Verdict:
        found = await verdict
        for claim in {found.claim, found.made}:
            if claim is not None:
                await self.settlement.wait(partition, claim)
        return found
