"""Kafka as an operator and an attacker have it: settings behind the service's back, records read by hand, kill -9."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.broker import EmbeddedBroker
from streams.log.kafka_access import KafkaAccess
from streams.log.topic_settings import PACE, alter_settings, read_settings, topic_settings
from streams.log.topics import Topics
from tests.support.service import PARTITIONS, PURGE_WITHIN, Service


class Broker:
    """An embedded broker on a port of its own, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._broker = EmbeddedBroker(folder)
        self.start()

    @property
    def access(self) -> KafkaAccess:
        return self._broker.access

    def start(self) -> None:
        asyncio.run(self._broker.start())

    def stop(self) -> None:
        asyncio.run(self._broker.stop())

    def kill_and_start(self) -> None:
        """kill -9, and a start at the same address."""
        port = int(self.access.bootstrap.rpartition(":")[2])
        os.kill(self._broker.pid, signal.SIGKILL)
        self.stop()
        self._broker = EmbeddedBroker(self.folder, port=port)
        self.start()


def change(service: Service, settings: Mapping[str, str]) -> None:
    """Give the topics that are purged these settings, behind the service's back."""

    async def work() -> None:
        admin = AIOKafkaAdminClient(**service.kafka.client_options())
        await admin.start()
        try:
            await alter_settings(admin, Topics(PARTITIONS, service.prefix).purged, settings)
        finally:
            await admin.close()

    asyncio.run(work())


def hurry(service: Service) -> None:
    """What `profilelog purge --now` does while it runs; a start of the service ends it."""
    change(service, topic_settings(PURGE_WITHIN) | dict.fromkeys(PACE, "1000"))


def lags(service: Service) -> set[str]:
    """What the topics' segment.ms and max.compaction.lag.ms are now."""

    async def work() -> set[str]:
        admin = AIOKafkaAdminClient(**service.kafka.client_options())
        await admin.start()
        try:
            found = await read_settings(admin, Topics(PARTITIONS, service.prefix).purged)
        finally:
            await admin.close()
        return {settings[name] for settings in found.values() for name in PACE}

    return asyncio.run(work())


@contextlib.contextmanager
def event_count(service: Service) -> Generator[Callable[[], int]]:
    """How many records the events' topic has had; each call asks the broker, within milliseconds."""
    topic = Topics(PARTITIONS, service.prefix).events
    places = [TopicPartition(topic, n) for n in range(PARTITIONS)]

    async def started() -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(**service.kafka.client_options())
        await consumer.start()
        return consumer

    async def ends() -> int:
        found: Mapping[TopicPartition, int] = await consumer.end_offsets(places)
        return sum(found.values())

    with asyncio.Runner() as runner:
        consumer = runner.run(started())
        try:
            yield lambda: runner.run(ends())
        finally:
            runner.run(consumer.stop())


def said_of(service: Service, deletion: str) -> list[str]:
    """The types of the events in the log that name a deletion."""

    async def work() -> list[str]:
        consumer = AIOKafkaConsumer(**service.kafka.client_options())
        await consumer.start()
        try:
            topic = Topics(PARTITIONS, service.prefix).events
            places = [TopicPartition(topic, n) for n in range(PARTITIONS)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(places)
            found: list[str] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    values = [record.value or b"" for record in records]
                    found += [json.loads(v)["type"] for v in values if deletion.encode() in v]
            return found
        finally:
            await consumer.stop()

    return asyncio.run(work())


def append(service: Service, topic: str, partition: int, key: bytes, value: bytes | None) -> str:
    """Append a record behind the service's back, as an older version has written it, say; returns its position."""

    async def work() -> str:
        producer = AIOKafkaProducer(**service.kafka.client_options())
        await producer.start()
        try:
            record = await producer.send_and_wait(topic, value, key=key, partition=partition)
        finally:
            await producer.stop()
        return f"{partition}:{record.offset}"

    return asyncio.run(work())
