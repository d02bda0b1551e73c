"""A transactional producer that failed is not used again: what is left open in it is for the next `init` to end."""

import asyncio
import uuid

import pytest

from streams.log.kafka_access import KafkaAccess
from streams.log.transactions import Publication, PublicationFailed, TransactionalPublisher
from tests.support.service import Service

pytestmark = pytest.mark.anyio


def record(service: Service) -> Publication:
    return Publication(f"{service.prefix}progress", 0, b"test", None)


async def test_after_a_cancellation_nothing_is_published_until_init(
    service: Service, kafka: KafkaAccess
) -> None:
    publisher = TransactionalPublisher(kafka, uuid.uuid4().hex)
    await publisher.init()
    await publisher.publish([record(service)])
    try:
        broken_off = asyncio.create_task(publisher.publish([record(service)]))
        await asyncio.sleep(0)  # it has begun
        broken_off.cancel()
        await asyncio.gather(broken_off, return_exceptions=True)

        with pytest.raises(PublicationFailed, match="not initialized"):
            await publisher.publish([record(service)])

        await publisher.init()
        await publisher.publish([record(service)])
    finally:
        await publisher.stop()


async def test_a_second_publication_at_once_is_refused_and_not_mixed_in(
    service: Service, kafka: KafkaAccess
) -> None:
    publisher = TransactionalPublisher(kafka, uuid.uuid4().hex)
    await publisher.init()
    try:
        first, second = await asyncio.gather(
            publisher.publish([record(service)]),
            publisher.publish([record(service)]),
            return_exceptions=True,
        )
        assert first is None
        assert isinstance(second, PublicationFailed)
    finally:
        await publisher.stop()
