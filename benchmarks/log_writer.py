"""A made-up log in Kafka, for what reads one from there."""

from collections.abc import Sequence

from benchmarks.email_records import LogRecord
from benchmarks.log_records import make_log
from schemas.identity import Identity
from streams.broker import EmbeddedBroker
from streams.log.appender import Appender
from streams.log.topics import LogMarker, Topics, prepare_topics

CHUNK = 1000


async def write_log(broker: EmbeddedBroker, identity: Identity, count: int) -> LogMarker:
    """Start the broker and write `count` events, and the records of emails that they led to."""
    await broker.start()
    topics = Topics(identity.partitions)
    marker = await prepare_topics(broker.access, topics, identity, purge_within=3600, replication=1)
    appender = Appender(broker.access, timeout=60, max_pending=64 << 20)
    await appender.start()
    log = make_log(identity, count)
    await _append(appender, topics.events, log.events)
    await _append(appender, topics.emails, log.emails)
    await appender.stop()
    return marker


async def _append(appender: Appender, topic: str, records: Sequence[LogRecord]) -> None:
    for start in range(0, len(records), CHUNK):
        part = [(record.key, record.value) for record in records[start : start + CHUNK]]
        for done in await appender.append_many(topic, 0, part):
            await appender.wait(done)
