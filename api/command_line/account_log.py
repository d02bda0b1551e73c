"""The log's accounts, for commands that change them: no more is started than that takes."""

import contextlib
from collections.abc import AsyncGenerator
from typing import NamedTuple

from api.kafka_errors import kafka_in_words
from api.server import embedded_broker
from api.settings import Settings, deployment
from schemas.identity import Identity
from streams.broker import running_broker
from streams.log.appender import Appender
from streams.log.decisions import KnownDecisions
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics, prepare_topics
from streams.replicas.account_book import AccountBook


class Kafka(NamedTuple):
    """How the log is reached, and whether that is the embedded broker."""

    access: KafkaAccess
    embedded: bool


@contextlib.asynccontextmanager
async def account_book(settings: Settings) -> AsyncGenerator[AccountBook]:
    """The accounts, up to date with the log. A service that runs meanwhile sees every change."""
    async with contextlib.AsyncExitStack() as stack:
        log = await stack.enter_async_context(kafka(settings))
        await stack.enter_async_context(kafka_in_words(log.access))
        known = deployment(settings, kafka=log.access, embedded=log.embedded)
        topics = Topics(known.partitions, known.prefix)
        identity = Identity(known.hash_key, known.partitions)
        await prepare_topics(
            known.kafka,
            topics,
            identity,
            purge_within=known.purge_within,
            replication=known.replication,
            apply_settings=False,
        )
        appender = Appender(known.kafka, timeout=known.write_timeout, max_pending=known.max_pending)
        decisions = KnownDecisions(known.kafka, topics)
        await decisions.read()
        book = AccountBook(known.kafka, topics, identity, appender, decisions)
        for part in (appender, book):
            stack.push_async_callback(part.stop)
            await part.start()
        yield book


@contextlib.asynccontextmanager
async def kafka(settings: Settings) -> AsyncGenerator[Kafka]:
    """PROFILELOG_KAFKA, or the broker that runs on the data folder, or one for this command."""
    if (own := settings.own_kafka()) is not None:
        yield Kafka(own, embedded=False)
    elif (running := running_broker(settings.data)) is not None:
        yield Kafka(running, embedded=True)
    else:
        async with embedded_broker(settings) as broker:
            yield Kafka(broker.access, embedded=True)
