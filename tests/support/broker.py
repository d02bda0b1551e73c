"""Asking an embedded broker, and ending those that own one."""

# aiokafka is not annotated.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from streams.broker import (
    EmbeddedBroker,
)
from streams.log.kafka_access import KafkaAccess

TOPIC = "letters"
PARTITION = TopicPartition(TOPIC, 0)


async def append(broker: EmbeddedBroker, *values: bytes) -> None:
    """Append to the only partition of the topic, made where it is missing."""
    admin = AIOKafkaAdminClient(**broker.access.client_options())
    await admin.start()
    if TOPIC not in await admin.list_topics():
        await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(**broker.access.client_options(), enable_idempotence=True)
    async with producer:
        for value in values:
            await producer.send_and_wait(TOPIC, value, partition=0)


async def read(broker: EmbeddedBroker) -> list[bytes | None]:
    """All values of the topic's only partition."""
    consumer = AIOKafkaConsumer(**broker.access.client_options())
    async with consumer:
        consumer.assign([PARTITION])
        await consumer.seek_to_beginning(PARTITION)
        ends: dict[TopicPartition, int] = await consumer.end_offsets([PARTITION])
        return [(await consumer.getone()).value for _ in range(ends[PARTITION])]


async def is_let_in(access: KafkaAccess) -> bool:
    """Whether a client that shows this is answered."""
    client = AIOKafkaAdminClient(**access.client_options())
    try:
        await client.start()
        await client.list_topics()
    except KafkaError:
        return False
    else:
        return True
    finally:
        await client.close()
