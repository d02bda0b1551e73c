"""What the purge and the streams read of a real log, and what a start does about settings of topics."""

# pyright: reportUnknownMemberType=false
# aiokafka is annotated in part.

import asyncio
import uuid
from collections.abc import AsyncGenerator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.change_streams.catch_up import CatchUpReader
from streams.clock import unix_ms
from streams.erasure.log_reader import LogReader
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import log_bounds
from streams.log.topic_settings import alter_settings, hurried, read_settings, topic_settings
from streams.log.topics import Topics
from tests.support.service import PARTITIONS, Service

pytestmark = pytest.mark.anyio

RECORDS = 1000


@pytest.fixture
async def admin(kafka: KafkaAccess) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    yield admin
    await admin.close()


@pytest.fixture
async def topic(admin: AIOKafkaAdminClient) -> str:
    name = f"read-{uuid.uuid4().hex}"
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs=topic_settings(30))])
    return name


async def write(kafka: KafkaAccess, topic: str) -> None:
    """Records 0 to 999, then one in a transaction that is aborted, and one more."""
    producer = AIOKafkaProducer(**kafka.client_options(), transactional_id=uuid.uuid4().hex)
    await producer.start()
    try:
        async with producer.transaction():
            for n in range(RECORDS):
                await producer.send(topic, b"v%d" % n, key=b"k%d" % n, partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", key=b"k", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(topic, None, key=b"k1", partition=0)
    finally:
        await producer.stop()


async def test_a_time_begins_at_the_first_record_since_or_at_the_end(
    kafka: KafkaAccess, topic: str
) -> None:
    producer = AIOKafkaProducer(**kafka.client_options())
    await producer.start()
    try:
        async with log_bounds(kafka) as bounds:
            assert await bounds.first_since(topic, 0, 0) == 0
            await producer.send_and_wait(topic, b"early", key=b"k", partition=0)
            between = unix_ms() + 1  # the broker's clock counts milliseconds
            while unix_ms() < between:  # noqa: ASYNC110 - time sets no event
                await asyncio.sleep(0.001)
            await producer.send_and_wait(topic, b"late", key=b"l", partition=0)

            assert await bounds.first_since(topic, 0, 0) == 0
            assert await bounds.first_since(topic, 0, between) == 1
            assert await bounds.first_since(topic, 0, unix_ms() + 60_000) == 2
    finally:
        await producer.stop()


async def test_offsets_that_are_there_are_told_from_those_that_are_not(
    kafka: KafkaAccess, topic: str
) -> None:
    await write(kafka, topic)
    marker = RECORDS  # the first transaction's end has an offset, and is no record

    async with LogReader(kafka) as reader:
        assert await reader.sizes(topic, 0, []) == {}
        assert await reader.sizes(topic, 0, [marker]) == {}
        # Few of many are asked for one by one, the rest is read on the way.
        few = await reader.sizes(topic, 0, [3, marker, RECORDS + 1])
        assert few == {3: len("k3v3"), RECORDS + 1: len("kaborted")}
        every = set(range(RECORDS + 1))
        assert (await reader.sizes(topic, 0, every)).keys() == every - {marker}


async def test_what_a_transaction_took_back_is_found_too(kafka: KafkaAccess, topic: str) -> None:
    await write(kafka, topic)

    def owner(key: bytes, value: bytes) -> str | None:
        return value.decode() if key in (b"k", b"k7") else None

    async with LogReader(kafka) as reader:
        found = [each async for each in reader.find(topic, 0, owner)]

    assert found == [(7, "v7"), (RECORDS + 1, "aborted")]


async def test_a_hurry_ends_with_the_settings_of_before(
    kafka: KafkaAccess, topic: str, admin: AIOKafkaAdminClient
) -> None:
    before = await read_settings(admin, [topic])

    async with hurried(kafka, [topic]):
        during = (await read_settings(admin, [topic]))[topic]
        assert (during["segment.ms"], during["max.compaction.lag.ms"]) == ("1000", "1000")
        assert during["cleanup.policy"] == "compact"

    assert await read_settings(admin, [topic]) == before


async def test_a_start_puts_settings_right_and_says_what_it_found(
    own_service: Service, admin: AIOKafkaAdminClient
) -> None:
    events = Topics(PARTITIONS, own_service.prefix).events
    own_service.terminate()
    wrong = topic_settings(30) | {"segment.ms": "77777", "cleanup.policy": "compact,delete"}
    await alter_settings(admin, [events], wrong)

    own_service.start()

    found = (await read_settings(admin, [events]))[events]
    assert (found["segment.ms"], found["cleanup.policy"]) == ("10000", "compact")
    (line,) = [line for line in own_service.log.splitlines() if "put right" in line]
    assert f"{events} has cleanup.policy=compact,delete instead of compact" in line
    assert "segment.ms=77777 instead of 10000" in line


async def test_a_portion_passes_nothing_that_came_behind_its_end(
    kafka: KafkaAccess, topic: str
) -> None:
    await write(kafka, topic)
    reader = CatchUpReader(kafka, topic)
    offsets: list[int] = []
    position = 0

    try:
        for end in (10, 20, RECORDS):
            while position < end:
                records, position = await reader.read(0, position, end)
                offsets += (record.offset for record in records)
    finally:
        await reader.stop()

    assert offsets == list(range(RECORDS))
