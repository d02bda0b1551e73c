# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""Publishing in Kafka transactions: what leaves together is read together or not at all."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TransactionalIdAuthorizationFailed

from private_names.of_aiokafka import BatchBuilder, set_transaction_backoff
from schemas.errors import ProfilelogError
from streams.log.kafka_access import KafkaAccess
from streams.log.rights import MissingRights, Operation, Right
from streams.log.topic_settings import MAX_RECORD_BYTES, TRANSACTION_TIMEOUT_MS

# The coordinator answers ConcurrentTransactions until the former transaction's markers are written, which takes a
# few milliseconds; aiokafka would wait 20 ms each time.
set_transaction_backoff(0.002)

_STOP_SECONDS: Final = 3.0


class Publication(NamedTuple):
    """A record to publish."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class PublicationFailed(ProfilelogError):
    """The transaction did not commit, as far as is known; what is published is in `progress`."""


class TransactionalPublisher:
    """One transactional producer. Only the process that called `init` last can still commit."""

    def __init__(self, kafka: KafkaAccess, transactional_id: str) -> None:
        self._kafka = kafka
        self._transactional_id = transactional_id
        self._producer: AIOKafkaProducer | None = None
        self._is_usable = False

    async def init(self) -> None:
        """Fence the former owner and abort what it had open. Raises `PublicationFailed`, and `MissingRights`."""
        await self.stop()
        producer = AIOKafkaProducer(
            **self._kafka.client_options(),
            transactional_id=self._transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_batch_size=MAX_RECORD_BYTES,
            max_request_size=MAX_RECORD_BYTES,
        )
        self._producer = producer
        try:
            async with asyncio.timeout(TRANSACTION_TIMEOUT_MS / 1000 * 2):
                await producer.start()
        except TransactionalIdAuthorizationFailed:
            right = Right(Operation.WRITE, "transactional id", self._transactional_id)
            raise MissingRights([right]) from None
        except (KafkaError, TimeoutError) as error:
            raise PublicationFailed(f"initTransactions: {type(error).__name__}") from None
        self._is_usable = True

    async def publish(self, records: Sequence[Publication]) -> None:
        """All records in one transaction, in order per partition; one at a time. Raises `PublicationFailed`.

        After a failure, or a cancellation, the state of the producer is not known: nothing more is published until
        `init`.
        """
        producer = self._producer
        if producer is None or not self._is_usable:
            raise PublicationFailed("not initialized")
        self._is_usable = False
        try:
            # A fenced producer may hang: bounded, and thrown away by the caller.
            async with asyncio.timeout(TRANSACTION_TIMEOUT_MS / 1000):
                await producer.begin_transaction()
                await self._send(producer, records)
                await producer.commit_transaction()
        except (KafkaError, TimeoutError) as error:
            raise PublicationFailed(f"transaction: {type(error).__name__}") from None
        self._is_usable = True

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Publication]) -> None:
        by_tp: dict[tuple[str, int], list[Publication]] = {}
        for record in records:
            by_tp.setdefault((record.topic, record.partition), []).append(record)
        sent: list[asyncio.Future[object]] = []
        for (topic, partition), there in by_tp.items():
            batch = producer.create_batch()
            for record in there:
                if _added(batch, record) is None:
                    batch.close()
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    _added(batch, record)
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)

    async def stop(self) -> None:
        self._is_usable = False
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()
        except (KafkaError, TimeoutError):
            pass  # a producer that was fenced may not stop cleanly; nothing of it is used again


def _added(batch: BatchBuilder, record: Publication) -> object:
    """None when the batch is full."""
    headers = list(record.headers)  # aiokafka takes nothing but a list
    return batch.append(key=record.key, value=record.value, timestamp=None, headers=headers)
