# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""Stock Faust on the events of the rebuild: one Faust event a record, a table in RocksDB with its changelog in Kafka.

Beside it profilelog's own fold of the same records, read from the same Kafka.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import faust
import msgspec
from aiokafka import TopicPartition
from faust.contrib.asgi import faust_app_running

from benchmarks.errors import MeasureError
from benchmarks.log_writer import write_log
from benchmarks.processes import output_of
from schemas.identity import KEY_BYTES, Identity
from streams.auditing.replay import LogReader
from streams.broker import EmbeddedBroker
from streams.consumer_group.faust_options import faust_options
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader
from streams.log.topics import LogMarker, Topics

NAME = "stock Faust"
STOP_SECONDS = 15
PATIENCE_SECONDS = 1800


class StockFaustResult(NamedTuple):
    """Events per second of each, from its first record to its last."""

    own_fold: float
    stock_faust: float


class Table:
    """What a plain agent makes of the events: the document of each user, in a table of its own.

    Without an email index, a history, ids, conversions or a search; a clear, which names its profile by an id, is
    passed over.
    """

    def __init__(self, kafka: KafkaAccess, folder: Path, count: int) -> None:
        self.app = faust.App(
            "stock-faust",
            **faust_options(kafka),
            store="rocksdb://",
            datadir=str(folder),
            topic_partitions=1,
            topic_disable_leader=True,
            web_enabled=False,
            consumer_auto_offset_reset="earliest",
        )
        self.documents = self.app.Table("documents", partitions=1)
        self.done = asyncio.Event()
        self.puts = 0
        self._count = count
        self._began = 0.0
        self._seconds = 0.0
        events = self.app.topic(
            Topics(1).events, key_type=bytes, key_serializer="raw", value_serializer="json"
        )
        self.app.agent(events)(self._fold)

    @property
    def rate(self) -> float:
        return self._count / self._seconds

    async def _fold(self, events: Any) -> None:
        number = 0
        async for event in events:
            if not number:
                self._began = time.perf_counter()
            number += 1
            if event["type"] == "profile-upserted":
                uid = event["uid"]
                self.puts += 1
                self.documents[uid] = {**self.documents.get(uid, {}), **event["properties"]}
            if number == self._count:
                self._seconds = time.perf_counter() - self._began
                self.done.set()


def stock_faust_in_process(count: int) -> StockFaustResult:
    """`measure_stock_faust` in a fresh process, which has nothing else of Faust in it."""
    printed = output_of("benchmarks.stock_faust", str(count))
    return msgspec.json.decode(printed, type=StockFaustResult)


def measure_stock_faust(count: int) -> StockFaustResult:
    """Write `count` events into a log of their own, fold it, and let stock Faust read it. Raises MeasureError."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        return asyncio.run(_measure(Path(folder), count))


async def _measure(folder: Path, count: int) -> StockFaustResult:
    identity = Identity(secrets.token_bytes(KEY_BYTES), 1)
    broker = EmbeddedBroker(folder)
    try:
        marker = await write_log(broker, identity, count)
        own = await _own_fold(broker.access, marker, identity, folder / "own")
        table = Table(broker.access, folder / "faust", count)
        async with faust_app_running(table.app, stop_timeout=STOP_SECONDS):
            await asyncio.wait_for(table.done.wait(), PATIENCE_SECONDS)
        await _check_changelog(broker.access, table)
        return StockFaustResult(count / own, table.rate)
    finally:
        await broker.stop()


async def _check_changelog(kafka: KafkaAccess, table: Table) -> None:
    """Every change of the table is in its changelog, once the app has stopped."""
    changelog = TopicPartition(table.documents.changelog_topic.get_topic_name(), 0)
    consumer = make_reader(kafka)
    await consumer.start()
    written = (await consumer.end_offsets([changelog]))[changelog]
    await consumer.stop()
    if written != table.puts:
        raise MeasureError(f"the changelog has {written:,} of {table.puts:,} changes")


async def _own_fold(
    kafka: KafkaAccess, marker: LogMarker, identity: Identity, folder: Path
) -> float:
    """Seconds in which the events are read from Kafka and folded."""
    async with LogReader(kafka, Topics(1), marker, identity) as log:
        events = log.sources[0]
        replay = log.replay(events, folder)
        end = await log.end(events)
        began = time.perf_counter()
        await replay.fold_to(end, lambda _: None)
        seconds = time.perf_counter() - began
        replay.close()
    if replay.records != end:
        raise MeasureError(f"{replay.records:,} of {end:,} events were folded")
    return seconds


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure_stock_faust(int(sys.argv[1]))))
