"""What the log takes of one account, read behind the service's back."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.log.topics import Topics
from tests.support.service import PARTITIONS, Account, Service

# What the service says by itself, of what was said before.
_FOLLOWS: Final = frozenset(
    {
        *("deletion-tombstoned", "deletion-purged", "profile-email-released"),
        *("company-gone", "profile-company-left", "company-tombstoned"),
    }
)


class AccountLog:
    """Counts the events of an account that its requests put into the log; use it as a context manager."""

    def __init__(self, service: Service, account: Account) -> None:
        topics = Topics(PARTITIONS, service.prefix)
        self._account = account.id.encode()
        self._runner = asyncio.Runner()
        self._kafka = service.kafka
        sizes = topics.sizes()
        self._tps = [
            TopicPartition(topic, number)
            for topic in (topics.events, topics.companies)
            for number in range(sizes[topic])
        ]

    def __enter__(self) -> Self:
        self._consumer = self._runner.run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._consumer.stop())
        self._runner.close()

    def taken(self) -> Counter[str]:
        """How many events of each type came since the last call."""
        return self._runner.run(self._read())

    async def _start(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(**self._kafka.client_options(), fetch_max_wait_ms=5)
        await consumer.start()
        consumer.assign(self._tps)
        await consumer.seek_to_end(*self._tps)
        return consumer

    async def _read(self) -> Counter[str]:
        found: Counter[str] = Counter()
        ends: Mapping[TopicPartition, int] = await self._consumer.end_offsets(self._tps)
        while any([await self._consumer.position(tp) < ends[tp] for tp in self._tps]):
            for records in (await self._consumer.getmany(timeout_ms=50)).values():
                found.update(
                    json.loads(record.value)["type"]
                    for record in records
                    if record.value and self._account in record.value
                )
        return Counter({type_: count for type_, count in found.items() if type_ not in _FOLLOWS})
