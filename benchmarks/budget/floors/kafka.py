# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""aiokafka alone, on the embedded broker: events in batches of 1,000, and one after the other.

Run: python -m benchmarks.budget.floors.kafka COUNT CORE, which prints the floors as JSON. A tenth of COUNT (records)
is sent one by one, 10,000 at most.
"""

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import msgspec
import uvloop
from aiokafka import AIOKafkaProducer

from api.interpreter import tune_garbage_collector
from benchmarks.budget.cores import bind
from benchmarks.budget.floors.floor import Floor, Stopwatch
from benchmarks.budget.floors.items import make_items
from benchmarks.seeds import SMALL_COUNT
from schemas.events import encode
from schemas.identity import KEY_BYTES, Identity, event_keys
from streams.broker import EmbeddedBroker
from streams.log.kafka_access import KafkaAccess
from streams.log.topic_settings import MAX_RECORD_BYTES
from streams.log.topics import Topics, prepare_topics

_BATCH_RECORDS: Final = 1000
_MOST_SINGLES: Final = 10_000
_WARM_UP: Final = 200

_Records = Sequence[tuple[bytes, bytes]]


class KafkaFloors(NamedTuple):
    """Of each record. On the clock `one_by_one` is the median."""

    in_batches: Floor
    one_by_one: Floor


async def measure_kafka(count: int, core: int) -> KafkaFloors:
    """Append `count` events of the smallest profiles to a topic of a new broker, which keeps off the core."""
    identity = Identity(secrets.token_bytes(KEY_BYTES), 1)
    values = [encode(item.event) for item in make_items(SMALL_COUNT, count, identity)]
    records = list(zip(event_keys(len(values)), values, strict=True))
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        async with EmbeddedBroker(Path(folder)) as broker:
            topics = Topics(identity.partitions)
            await prepare_topics(broker.access, topics, identity, purge_within=3600, replication=1)
            bind(os.getpid(), {core})
            tune_garbage_collector()
            return await _measure(broker.access, topics.events, records)


async def _measure(kafka: KafkaAccess, topic: str, records: _Records) -> KafkaFloors:
    """With the settings of `streams.log.appender`."""
    producer = AIOKafkaProducer(
        **kafka.client_options(),
        acks="all",
        enable_idempotence=True,
        max_batch_size=MAX_RECORD_BYTES,
    )
    await producer.start()
    try:
        await _one_by_one(producer, topic, records[:_WARM_UP])
        singles = records[: min(len(records) // 10, _MOST_SINGLES)]
        return KafkaFloors(
            await _in_batches(producer, topic, records),
            await _one_by_one(producer, topic, singles),
        )
    finally:
        await producer.stop()


async def _in_batches(producer: AIOKafkaProducer, topic: str, records: _Records) -> Floor:
    watch = Stopwatch()
    with watch.running():
        for start in range(0, len(records), _BATCH_RECORDS):
            batch = producer.create_batch()
            for key, value in records[start : start + _BATCH_RECORDS]:
                batch.append(key=key, value=value, timestamp=None)
            batch.close()
            await (await producer.send_batch(batch, topic, partition=0))
    return watch.floor(len(records))


async def _one_by_one(producer: AIOKafkaProducer, topic: str, records: _Records) -> Floor:
    watch, took = Stopwatch(), list[float]()
    with watch.running():
        for key, value in records:
            began = time.perf_counter()
            await producer.send_and_wait(topic, value, key=key, partition=0)
            took.append(time.perf_counter() - began)
    return Floor(1e6 * median(took), watch.floor(len(records)).cpu)


if __name__ == "__main__":
    floors = uvloop.run(measure_kafka(int(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.buffer.write(msgspec.json.encode(floors))
