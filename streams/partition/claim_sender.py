"""Claims and withdrawals on their way from the outbox of a partition to ``profile-emails`` (design "Email index").

1. They leave in the order of the outbox, as plain appends, ahead of the transactions of the documents.
2. Each append has a key of its own, and the place of its row.
3. Of a partition of ``profile-emails`` one request is in flight. When it is not acknowledged, the same rows are sent
   again, and nothing later before them.
4. The progress passes none that is not acknowledged: the relay waits for `send_to` before it commits.
5. A crash repeats what the progress has not passed, and each repeat costs a record and a tombstone. So those that go
   ahead stop at `MOST_AHEAD`, until the progress follows.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec

from projections.outbox import Claim, OutboxPosition, Withdrawal
from projections.partition import PartitionState
from schemas.errors import Unavailable
from schemas.events import EmailWithdrawn, Place, encode
from schemas.identity import claim_record_keys
from streams.log.appender import Keyed

MOST_AHEAD: Final = 100_000
"""So many claims and withdrawals the progress may not have passed; a portion more."""

_ROWS: Final = 500  # that are read at once; their claims fit one request

AppendInOrder = Callable[[str, int, Sequence[Keyed]], Awaitable[int]]
"""Topic, partition and records, which fit one request; returns the offset of the last. Raises `Unavailable`."""


Prove = Callable[[], Awaitable[None]]

OnClaims = Callable[[int, int, Sequence[bytes]], None]
"""Partition of ``profile-emails``, offset and names: these claims are acknowledged, none behind the offset."""


class ClaimSender:
    """Sends what the outbox of `state` has for `topic`, ``profile-emails``; `on_claims` gets what is acknowledged."""

    def __init__(
        self,
        state: PartitionState,
        topic: str,
        append: AppendInOrder,
        on_claims: OnClaims | None = None,
    ) -> None:
        self._state = state
        self._topic = topic
        self._append = append
        self._on_claims = on_claims
        self._position: OutboxPosition = (0, 0)  # all before it are acknowledged
        # Of each portion that was sent: the offset of its last event, and how many there were.
        self._sent: deque[tuple[int, int]] = deque()
        self._ahead = 0  # in all of these
        self._sending = asyncio.Lock()
        self._prove: Prove | None = None

    def begin(self, progress: int, prove: Prove) -> None:
        """The relay starts: all from the progress on are sent, perhaps again.

        `prove` is awaited before an append; it shows that the partition is still this node's (relay, rule 5).
        """
        self._position = (progress, 0)
        self._sent.clear()
        self._ahead = 0
        self._prove = prove

    @property
    def is_behind(self) -> bool:
        """Whether those of many events have still to be sent, as behind a batch."""
        return self._state.last_claim - self._position[0] > _ROWS

    async def send_to(self, offset: int) -> None:
        """Returns when those of all events up to the offset are acknowledged. Raises `Unavailable`."""
        while await self._send_next(offset):
            pass

    async def send_ahead(self, offset: int) -> bool:
        """As `send_to`, but stops at `MOST_AHEAD`; returns whether all were sent. Raises `Unavailable`."""
        while self._not_passed() < MOST_AHEAD:
            if not await self._send_next(offset):
                return True
        return False

    def _not_passed(self) -> int:
        """How many were sent that the progress has not passed."""
        while self._sent and self._sent[0][0] < self._state.published:
            self._ahead -= self._sent.popleft()[1]
        return self._ahead

    async def _send_next(self, offset: int) -> bool:
        """Send a portion; False when there are no more up to the offset."""
        if self._position[0] > offset:
            return False
        async with self._sending:  # others may go between two portions
            return await self._send_some(offset)

    async def _send_some(self, offset: int) -> bool:
        """Send the next; False when there are no more up to the offset."""
        sending: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        claims: dict[int, list[bytes]] = defaultdict(list)
        position, taken = self._position, 0
        last = min(offset, self._state.last_claim)  # most events make none
        rows = self._state.placed_outbox_from(position) if position[0] <= last else iter(())
        for at, row in islice(rows, _ROWS):
            if at[0] > last:
                break
            position, taken = (at[0], at[1] + 1), taken + 1
            if isinstance(row, Claim | Withdrawal):
                value = _value(row, (self._state.partition, *at))
                sending[row.partition].append((row.name, value))
                if isinstance(row, Claim):
                    claims[row.partition].append(row.name)
        if sending:
            await self._send(sending, claims)
            self._sent.append((position[0], sum(map(len, sending.values()))))
            self._ahead += self._sent[-1][1]
        if taken < _ROWS:  # so these were all of them
            self._position = max(position, (offset + 1, 0))
            return False
        self._position = position
        return True

    async def _send(
        self,
        sending: Mapping[int, list[tuple[bytes, bytes]]],
        claims: Mapping[int, Sequence[bytes]],
    ) -> None:
        """Returns when what each partition gets is acknowledged; `claims` are named among it. Raises `Unavailable`."""
        assert self._prove is not None, "the relay has started"
        await self._prove()
        done = await asyncio.gather(
            *(
                self._append(self._topic, number, _records(some))
                for number, some in sending.items()
            ),
            return_exceptions=True,  # rule 3: no request is left in flight when another has failed
        )
        for number, result in zip(sending, done, strict=True):
            if isinstance(result, BaseException):
                raise result
            if self._on_claims is not None and (names := claims.get(number)):
                if result < 0:
                    raise Unavailable(
                        "Kafka does not say where the claims stand: they are sent again"
                    )
                self._on_claims(number, result, names)


def _value(row: Claim | Withdrawal, place: Place) -> bytes:
    if isinstance(row, Withdrawal):
        return encode(EmailWithdrawn(place))
    return b'%b,"place":%b}' % (row.value[:-1], msgspec.json.encode(place))


def _records(claims: list[tuple[bytes, bytes]]) -> list[Keyed]:
    """Records of (name, value), each under a key of its own."""
    keys = claim_record_keys([name for name, _ in claims])
    return [(key, value) for key, (_, value) in zip(keys, claims, strict=True)]
