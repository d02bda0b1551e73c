# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Reading the whole log for one person, uncommitted: an aborted record is bytes too (design "Erasure").

1. `accounts` shows for which accounts to hash the uid and the email.
2. `profile-events` leads to the person's profile ids and deletions; a second time when a deletion was asked for,
   because the forget that names its user comes after the user's events.
3. `profile-emails` leads to the claims.
4. Every record of every topic is judged by all of these names.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from projections.auditing.evidence import Evidence, Role, Trace
from projections.auditing.person import Asked, Person
from schemas.errors import NotFound
from schemas.identity import Identity
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_chunks
from streams.log.topics import Topics


class Position(NamedTuple):
    """A record of the log."""

    topic: str
    partition: int
    offset: int


class Log:
    """The log of a deployment, as a consumer without a group reads it from its beginning to its present end."""

    def __init__(self, kafka: KafkaAccess, topics: Topics) -> None:
        self._topics = topics
        self._consumer = make_reader(kafka)

    async def __aenter__(self) -> "Log":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def accounts(self, wanted: str | None) -> set[str]:
        """Every account that the log has ever named. Raises `NotFound` when the wanted one is not among them."""
        found: set[str] = set()
        async for _, records in self._read(self._topics.accounts):
            found.update(record.key.decode() for record in records)
        if wanted is not None and wanted not in found:
            raise NotFound("No such account")
        return found

    async def person(self, asked: Asked, identity: Identity) -> Person:
        """Steps 1 and 2."""
        person = Person(asked, identity, await self.accounts(asked.account))
        async for _, records in self._read(self._topics.events):
            for record in records:
                if record.value is not None:
                    person.learn_forget(record.value, record.offset)
                    person.learn_event(record.key, record.value, record.offset)
        if person.forgets:
            async for _, records in self._read(self._topics.events):
                for record in records:
                    if record.value is not None:
                        person.learn_event(record.key, record.value, record.offset)
        return person

    async def learn_claims(self, person: Person) -> None:
        """Step 3."""
        async for _, records in self._read(self._topics.emails):
            for record in records:
                if record.value is not None:
                    person.learn_claim(record.key, record.value)

    async def sweep(
        self, evidence: Evidence, start: Callable[[int], None], advance: Callable[[int], None]
    ) -> AsyncGenerator[tuple[Position, Trace]]:
        """Step 4. `start` gets how many offsets there are, `advance` how many more are done."""
        start(await self._count())
        for topic in self._topics.sizes():
            role = self._role(topic)
            async for tp, records in self._read(topic, advance):
                for record in records:
                    trace = evidence.record(
                        role, tp.partition, record.offset, record.key or b"", record.value
                    )
                    if trace is not None:
                        yield Position(topic, tp.partition, record.offset), trace

    def _role(self, topic: str) -> Role:
        roles: dict[str, Role] = {
            self._topics.events: "events",
            self._topics.emails: "emails",
            self._topics.profiles: "profiles",
            self._topics.companies: "companies",
        }
        return roles.get(topic, "other")

    def _tps(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, n) for n in range(self._topics.sizes()[topic])]

    async def _count(self) -> int:
        tps = [tp for topic in self._topics.sizes() for tp in self._tps(topic)]
        begins = await self._consumer.beginning_offsets(tps)
        ends = await self._consumer.end_offsets(tps)
        return sum(ends[tp] - begins[tp] for tp in tps)

    async def _read(
        self, topic: str, advance: Callable[[int], None] = lambda _: None
    ) -> AsyncGenerator[tuple[TopicPartition, list[Any]]]:
        """All records of a topic with their partition, as many at a time as were fetched."""
        consumer = self._consumer
        for tp in self._tps(topic):
            consumer.assign([tp])
            begin = (await consumer.beginning_offsets([tp]))[tp]
            end = (await consumer.end_offsets([tp]))[tp]
            behind = begin
            async for records in read_chunks(consumer, tp, begin, end):
                yield tp, records
                position = min(await consumer.position(tp), end)
                advance(position - behind)
                behind = position
