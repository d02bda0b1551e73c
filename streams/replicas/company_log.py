"""Companies as they are written: events appended to ``company-events``, and the fold's verdict on each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from projections.companies.fold import Companies, CompanyVerdict
from schemas.errors import StoppedAt, TooLarge
from schemas.events import CompanyEvent, CompanyUpserted, encode
from schemas.identity import Identity, event_keys
from streams.log.appender import Appender
from streams.log.decisions import KnownDecisions
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import MAX_EVENT_BYTES, Topics
from streams.partition.expected_verdicts import ExpectedVerdicts
from streams.replicas.replica import Replica


class CompanyLog:
    """The companies of a deployment, kept up to date from the log, and writes to them.

    `timeout` (seconds) bounds how long a write waits for its fold. `unfinished` is set when the log says that a
    deletion has something left to do. `spread` waits, after a write, until all other nodes have folded the log up to an
    offset too, so that what is answered by one is seen at each. Raises `Unavailable`.
    """

    def __init__(
        self,
        kafka: KafkaAccess,
        topics: Topics,
        identity: Identity,
        appender: Appender,
        decisions: KnownDecisions,
        *,
        timeout: float,
        spread: Callable[[int], Awaitable[None]],
    ) -> None:
        self.companies = Companies(identity)
        self.unfinished = asyncio.Event()
        self._topic = topics.companies
        self._appender = appender
        self._replica = Replica(kafka, decisions, topics.companies, self._apply)
        self._verdicts = ExpectedVerdicts[CompanyVerdict](timeout)
        self._spread = spread

    @property
    def stopped(self) -> StoppedAt | None:
        """The record that cannot be folded, or is damaged: what is behind it is not known."""
        return self._replica.stopped

    async def start(self) -> None:
        await self._replica.start()

    async def stop(self) -> None:
        await self._replica.stop()

    def _apply(self, key: bytes, value: bytes | None, offset: int) -> None:  # noqa: ARG002 - a replica's signature
        verdict = self.companies.apply(key, value)
        if self.companies.unfinished:
            self.unfinished.set()
        if verdict is not None:
            self._verdicts.report(key, verdict)

    async def write(self, events: Sequence[CompanyEvent]) -> list[CompanyVerdict]:
        """Append events, in order, and wait for their fold.

        Raises `TooLarge`, and `Unavailable`, whose text says whether the writes may still happen.
        """
        values = [encode(event) for event in events]
        if any(len(value) > MAX_EVENT_BYTES for value in values):
            raise TooLarge(f"What would be stored of it is larger than {MAX_EVENT_BYTES} bytes")
        records = list(zip(event_keys(len(values)), values, strict=True))
        verdicts = await self._verdicts.append(self._appender, self._topic, 0, records)
        # A write is answered behind its fold: what is folded here by now, the others have to fold.
        await self._spread(self._replica.read - 1)
        return verdicts

    async def applied(self, offset: int) -> None:
        """Waits until the log is folded up to the offset. Raises `Unfoldable` where it has stopped."""
        await self._replica.applied(offset)

    async def erase(self, keys: Iterable[bytes]) -> None:
        """Append a tombstone for each record. Raises `Unavailable`."""
        tombstones = [(key, None) for key in keys]
        for ack in await self._appender.append_many(self._topic, 0, tombstones):
            await self._appender.wait(ack)

    async def make(self, account: str, uids: Iterable[int | str], at: int) -> dict[int | str, str]:
        """The ids of the companies with these uids; who is not there yet is made. Raises `Unavailable`."""
        ids = {uid: self.companies.id_of(account, uid) for uid in uids}
        events = [
            CompanyUpserted(account=account, at=at, id=id_, uid=uid)
            for uid, id_ in ids.items()
            if self.companies.get(id_, account) is None
        ]
        if events:
            await self.write(events)
        return ids
