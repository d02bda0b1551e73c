"""Claims and releases that Kafka has acknowledged, until it is known that they are folded.

Where another node folds them, this says what has to be asked of it (`streams.cluster.settling`).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class SentClaims(NamedTuple):
    """Claims of one request to ``profile-emails``: none stands behind `offset`."""

    offset: int
    names: Sequence[bytes]


class SentRelease(NamedTuple):
    """The release of the claim `lost` stands at `offset` of a partition of ``profile-events``."""

    offset: int
    lost: bytes


class SentOutputs:
    """What has left, by the partition in whose log it stands, in the order of the log."""

    def __init__(self) -> None:
        self._claims: dict[int, deque[SentClaims]] = {}
        self._releases: dict[int, deque[SentRelease]] = {}

    def add_claims(self, partition: int, sent: SentClaims) -> None:
        """Claims stand in a partition of ``profile-emails``."""
        self._claims.setdefault(partition, deque()).append(sent)

    def add_release(self, partition: int, sent: SentRelease) -> None:
        """A release stands in a partition of ``profile-events``."""
        self._releases.setdefault(partition, deque()).append(sent)

    def claims(self, partition: int) -> Sequence[SentClaims]:
        """Those of which it is not known that the partition is folded up to them."""
        return [*self._claims.get(partition, ())]

    def take_claims(self, partition: int, applied: int) -> Iterator[SentClaims]:
        """The partition is folded up to `applied`: those that are folded, no more kept."""
        waiting = self._claims.get(partition)
        while waiting and waiting[0].offset <= applied:
            yield waiting.popleft()

    def take_releases(self, partition: int, applied: int) -> Iterator[SentRelease]:
        """As `take_claims`."""
        waiting = self._releases.get(partition)
        while waiting and waiting[0].offset <= applied:
            yield waiting.popleft()

    def drop_claims(self, partition: int, sent: SentClaims) -> None:
        """These have settled."""
        waiting = self._claims.get(partition)
        if waiting and sent in waiting:
            waiting.remove(sent)

    def next_release(self, partition: int) -> int | None:
        """The offset of the first release of which it is not known that it is folded."""
        waiting = self._releases.get(partition)
        return waiting[0].offset if waiting else None
