# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# Faust is annotated in part.
"""The private names of Faust: what `streams` derives from: consumer, its "thread", manager of tables, assignor."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from private_names.checked import Library
from private_names.of_aiokafka import (
    fetched_to,
    hand_out_as_fetched,
    set_fetch_min_bytes,
)
from private_names.of_mode import ThreadlessService

FAUST: Final = Library("faust-streaming", "0.15.3")

with FAUST.importing():
    from faust.assignor import PartitionAssignor
    from faust.tables.manager import TableManager
    from faust.transport.consumer import ensure_TP
    from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

__all__ = ["FAUST", "LoopConsumer", "NoTables", "PartitionAssignor", "Transport", "ensure_TP"]

FAUST.check_names(
    {
        AIOKafkaConsumerThread: (
            "_consumer",
            "_create_worker_consumer",
            "_ensure_consumer",
            "_fetch_records",
        ),
        Consumer: (
            "_buffered_partitions",
            "_drain_messages",
            "_new_consumer_thread",
            "_thread",
            "_wait_next_records",
            "can_resume_flow",
            "consumer_stopped_errors",
            "perform_seek",
            "seek_to_committed",
            "seek_wait",
            "verify_event_path",
        ),
        TableManager: ("_update_channels", "recovery"),
        PartitionAssignor: (
            "assign",
            "assigned_actives",
            "assigned_standbys",
            "group_for_topic",
            "is_active",
            "is_standby",
            "metadata",
            "on_assignment",
            "version",
        ),
    }
)
FAUST.check_parameters(
    {
        AIOKafkaConsumerThread._create_worker_consumer: ("transport",),
        AIOKafkaConsumerThread._fetch_records: (
            "consumer",
            "active_partitions",
            "timeout",
            "max_records",
        ),
        Consumer._drain_messages: ("fetcher",),
        Consumer._wait_next_records: ("timeout",),
    }
)


class LoopConsumer(Consumer):
    """Faust's consumer on the app's own loop, where a subclass makes its client and hands its records over."""

    def make_client(self) -> AIOKafkaConsumer:
        """The client of the consumer group, to be started by Faust."""
        raise NotImplementedError

    async def drain(self, fetcher: Any) -> None:
        """Hand over what is fetched, until this or the `fetcher` stops."""
        raise NotImplementedError

    def is_buffered(self, partition: TP) -> bool:
        """Whether a stream has paused the partition because its buffer is full: what is fetched of it still counts."""
        return partition in self._buffered_partitions

    def fetched_to(self, partition: TP) -> int | None:
        """The offset behind what was fetched and returned; None where it is not known."""
        return fetched_to(self._thread._ensure_consumer(), TopicPartition(*partition))

    def set_fetch_min_bytes(self, size: int) -> None:
        """How much Kafka is to have for the next fetch before it answers it."""
        set_fetch_min_bytes(self._thread._ensure_consumer(), size)

    async def next_records(
        self, seconds: float
    ) -> tuple[Mapping[Any, list[Any]] | None, set[TP] | None]:
        """What is fetched within so long, by partition, and the partitions that are not paused."""
        return await self._wait_next_records(seconds)

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _LoopConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        await self.drain(fetcher)


class _LoopConsumerThread(ThreadlessService, AIOKafkaConsumerThread):
    def __init__(self, consumer: LoopConsumer, **options: Any) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(consumer, **{**options, "loop": loop, "thread_loop": loop})

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:  # noqa: ARG002 - Faust's signature
        return cast("LoopConsumer", self.consumer).make_client()

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        hand_out_as_fetched(consumer)
        return await super()._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=max_records
        )


class NoTables(TableManager):
    """For an app without tables: there is nothing to wait for."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()
