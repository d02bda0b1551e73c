# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""The topics: their names, settings and creation, and whose log they are (design "Topics")."""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from schemas.errors import OperatorError
from schemas.identity import Identity
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_between
from streams.log.rights import MissingRights, Operation, Right, check_topics, kafka_admin
from streams.log.topic_settings import put_right, topic_settings

MAX_EVENT_BYTES: Final = 2 << 20
_LOG_KEY: Final = b"log"
_MADE_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.2
_CREATE_REFUSED: Final = (
    TopicAuthorizationFailedError.errno,
    ClusterAuthorizationFailedError.errno,
)


class WrongLog(OperatorError):
    """The topics are not those that this deployment wrote."""


class LogMarker(msgspec.Struct, frozen=True):
    """The record that names a log: written once, when its topics are made."""

    log: str
    partitions: int
    fingerprint: str


@dataclass(frozen=True)
class Topics:
    """The topic names of one deployment; `prefix` sets deployments on one cluster apart."""

    partitions: int
    prefix: str = ""

    @property
    def events(self) -> str:
        return f"{self.prefix}profile-events"

    @property
    def emails(self) -> str:
        return f"{self.prefix}profile-emails"

    @property
    def profiles(self) -> str:
        return f"{self.prefix}profiles"

    @property
    def progress(self) -> str:
        return f"{self.prefix}progress"

    @property
    def companies(self) -> str:
        return f"{self.prefix}company-events"

    @property
    def accounts(self) -> str:
        return f"{self.prefix}accounts"

    @property
    def purged(self) -> list[str]:
        """The topics that hold what a forget erases."""
        return [self.events, self.profiles, self.emails]

    def progress_partition(self, topic: str, partition: int) -> int:
        """Each source has a partition of `progress` to itself, so that nobody's open transaction hides another's."""
        return 1 + 2 * partition + (topic == self.emails)

    def sizes(self) -> Mapping[str, int]:
        """Partitions per topic. Partition 0 of `progress` holds the log's marker."""
        n = self.partitions
        return {
            self.events: n,
            self.emails: n,
            self.profiles: n,
            self.progress: 1 + 2 * n,
            self.companies: 1,
            self.accounts: 1,
        }


async def prepare_topics(
    kafka: KafkaAccess,
    topics: Topics,
    identity: Identity,
    *,
    purge_within: float,
    replication: int,
    apply_settings: bool = True,
) -> LogMarker:
    """Make the topics that are missing, check those that are there, and say whose log it is.

    `apply_settings` puts right what differs in the settings of topics that are there; a service does.
    Raises `WrongLog` when a topic has another number of partitions, or when the log was written with another hash
    key or its marker is lost; `MissingRights`; and `OperatorError` where Kafka refuses a topic or a setting.
    """
    names = list(topics.sizes())
    needed = [Operation.READ, Operation.WRITE]
    if apply_settings:
        needed.append(Operation.DESCRIBE_CONFIGS)
    async with kafka_admin(kafka) as admin:
        # Before: of a topic that it may not see, Kafka does not say whether it is there.
        await check_topics(admin, names, needed)
        if await _create(admin, topics, topic_settings(purge_within), replication):
            await check_topics(admin, names, needed)
        await _check_partitions(admin, topics)
        if apply_settings:
            await _put_right(admin, names, purge_within)
    return await _marker(kafka, topics, identity)


async def _put_right(admin: AIOKafkaAdminClient, names: Sequence[str], purge_within: float) -> None:
    """Tried again where another node has made the topics a moment ago, and not every broker knows them."""
    until = time.monotonic() + _MADE_SECONDS
    while True:
        try:
            await put_right(admin, names, topic_settings(purge_within))
        except UnknownTopicOrPartitionError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def known_log(kafka: KafkaAccess, topics: Topics, identity: Identity) -> LogMarker:
    """Whose log it is, for a reader: makes no topic and writes nothing.

    Raises `MissingRights`, and `WrongLog` when there is none, or as `prepare_topics` does.
    """
    async with kafka_admin(kafka) as admin:
        await check_topics(admin, topics.sizes(), [Operation.READ])
        if not set(topics.sizes()).issubset(await admin.list_topics()):
            raise WrongLog(
                f"there is no {topics.events} with its other topics: check PROFILELOG_KAFKA, PROFILELOG_DATA and "
                "PROFILELOG_TOPIC_PREFIX"
            )
        await _check_partitions(admin, topics)
    consumer = make_reader(kafka)
    await consumer.start()
    try:
        tp = TopicPartition(topics.progress, 0)
        consumer.assign([tp])
        found = await _read_markers(consumer, tp)
    finally:
        await consumer.stop()
    if not found:
        raise WrongLog(f"{topics.progress} does not name the log: start the service on it once")
    _check_key(found[0], identity)
    return found[0]


async def _create(
    admin: AIOKafkaAdminClient, topics: Topics, settings: dict[str, str], replication: int
) -> bool:
    """Makes the topics that are missing; whether there were any."""
    there = set(await admin.list_topics())
    new = [
        NewTopic(name, partitions, replication, topic_configs=settings)
        for name, partitions in topics.sizes().items()
        if name not in there
    ]
    if not new:
        return False
    response: Any = await admin.create_topics(new)
    refused = [
        Right(Operation.CREATE, "topic", name)
        for name, code, *_ in response.topic_errors
        if code in _CREATE_REFUSED
    ]
    if refused:
        raise MissingRights(refused)
    for name, code, *message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise OperatorError(
                f"Kafka did not make the topic {name} (error {code}: {message[0] if message else ''}): check "
                "PROFILELOG_REPLICATION and the broker's log, or make the topics yourself (docs/operating.md)"
            )
    return True


async def _check_partitions(admin: AIOKafkaAdminClient, topics: Topics) -> None:
    sizes = topics.sizes()
    for topic in await admin.describe_topics(list(sizes)):
        found, wanted = len(topic["partitions"]), sizes[topic["topic"]]
        if found and found != wanted:
            raise WrongLog(
                f"the topic {topic['topic']} has {found} partitions, not {wanted}: the number is fixed when the topics "
                "are made, so set PROFILELOG_PARTITIONS to what it was then"
            )


async def _marker(kafka: KafkaAccess, topics: Topics, identity: Identity) -> LogMarker:
    """The log's marker, made where there is none.

    Of nodes that start at once each may write one: the first counts, and is written again behind the others, for
    compaction keeps the last.
    """
    tp = TopicPartition(topics.progress, 0)
    consumer = make_reader(kafka)
    await consumer.start()
    try:
        consumer.assign([tp])
        found = await _read_markers(consumer, tp)
        if not found:
            await _refuse_used(consumer, topics)
            ours = LogMarker(uuid.uuid4().hex, topics.partitions, identity.fingerprint)
            await _write_marker(kafka, topics, ours)
            found = await _read_markers(consumer, tp)
    finally:
        await consumer.stop()
    if not found:
        raise WrongLog("the log's marker was written but cannot be read back")
    if found[-1] != found[0]:
        await _write_marker(kafka, topics, found[0])
    _check_key(found[0], identity)
    return found[0]


def _check_key(marker: LogMarker, identity: Identity) -> None:
    if marker.fingerprint != identity.fingerprint:
        raise WrongLog(
            "the log was written with another hash key: start with the PROFILELOG_HASH_KEY that it was made with"
        )


async def _read_markers(consumer: AIOKafkaConsumer, tp: TopicPartition) -> list[LogMarker]:
    begin = (await consumer.beginning_offsets([tp]))[tp]
    end = (await consumer.end_offsets([tp]))[tp]
    return [
        msgspec.json.decode(record.value, type=LogMarker)
        async for record in read_between(consumer, tp, begin, end)
        if record.key == _LOG_KEY and record.value is not None
    ]


async def _refuse_used(consumer: AIOKafkaConsumer, topics: Topics) -> None:
    tps = [TopicPartition(topics.events, n) for n in range(topics.partitions)]
    if any((await consumer.end_offsets(tps)).values()):
        raise WrongLog(
            f"the topic {topics.events} has records, but {topics.progress} does not name their log: the topic "
            f"{topics.progress} was lost, and without it outputs would be published twice"
        )


async def _write_marker(kafka: KafkaAccess, topics: Topics, marker: LogMarker) -> None:
    producer = AIOKafkaProducer(**kafka.client_options(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        value = msgspec.json.encode(marker)
        await producer.send_and_wait(topics.progress, value, key=_LOG_KEY, partition=0)
    finally:
        await producer.stop()
