# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Faust is annotated in part.
"""Membership in Kafka's consumer group: the Faust app, whose agents fold what arrives."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from aiokafka.errors import CorruptRecordException
from faust.contrib.asgi import faust_app_running

from schemas.errors import OperatorError
from streams.consumer_group.assignment import Assignment
from streams.consumer_group.chunk_delivery import ChunkApp
from streams.failure import Failure
from streams.log.chunks import CHUNK_RECORDS
from streams.log.damage import damage_of
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from streams.partition.owned_partitions import OwnedPartitions


@contextlib.asynccontextmanager
async def group_member(
    app: ChunkApp, failure: Failure, stop_timeout: float
) -> AsyncGenerator[None]:
    """Is a member of the group until the block ends; an app that crashes meanwhile is reported to `failure`."""
    watching = asyncio.create_task(_watch(app, failure), name="watch the Faust app")
    try:
        async with faust_app_running(app, stop_timeout=stop_timeout):
            yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(app: ChunkApp, failure: Failure) -> None:
    """A Faust app that crashed serves nothing any more, and does not start again by itself."""
    await app.wait_until_stopped()  # or crashed
    if not app.crashed:
        return
    error = app.crash_reason
    if isinstance(error, CorruptRecordException):
        failure.report(await damage_of(app.kafka, error))
        return
    reason = type(error).__name__
    failure.report(OperatorError(f"the Faust worker crashed ({reason}): start the service again"))


def make_app(
    app_id: str,
    node_id: str,
    kafka: KafkaAccess,
    session_timeout: float,
    topics: Topics,
    folder: Path,
    assignment: Assignment,
    partitions: OwnedPartitions,
) -> ChunkApp:
    """An app that runs once; `node_id` is the same at each start of the node, `folder` is for Faust's own files."""
    app = ChunkApp(
        app_id,
        kafka=kafka,
        positions=assignment.assign,
        applied=assignment.applied,
        member=lambda: assignment.member(node_id),
        datadir=str(folder),
        broker_session_timeout=session_timeout,  # how long a killed node keeps its partitions
        broker_heartbeat_interval=session_timeout / 4,
        # A static member: after a kill -9 the group gives the node its partitions back at once.
        consumer_group_instance_id=node_id,
        broker_max_poll_records=4 * CHUNK_RECORDS,
        consumer_max_fetch_size=4 << 20,
    )

    @app.agent(app.chunks(topics.events, topics.partitions), concurrency=1)
    async def fold_profile_events(chunks: Any) -> None:
        async for chunk in chunks:
            await partitions.fold_chunk(chunk)

    @app.agent(app.chunks(topics.emails, topics.partitions), concurrency=1)
    async def fold_email_claims(chunks: Any) -> None:
        async for chunk in chunks:
            await partitions.fold_chunk(chunk)

    return app
