# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""What the broker does about erased records: how soon by its settings, and what keeps it from doing it."""

from collections.abc import Sequence
from typing import Final

from aiokafka import TopicPartition

from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader
from streams.log.rights import kafka_admin
from streams.log.setting_costs import Difference
from streams.log.topic_settings import (
    FILE_DELETE_DELAY_MS,
    PACE,
    differences,
    read_settings,
    topic_settings,
)

NOT_YET: Final = "the broker has not compacted the erased records away yet"


class TopicWatch:
    """Reads the settings of the topics that deletions are purged from.

    `lag` is the time in seconds after which the broker rolls and compacts a segment, by the settings as they
    were at the last refresh, `deleted_after` the time in seconds for which it keeps a file that it has replaced;
    `different` are those that are not as they have to be.
    """

    def __init__(self, kafka: KafkaAccess, names: Sequence[str], purge_within: float) -> None:
        self._kafka = kafka
        self._names = names
        self._wanted = topic_settings(purge_within)
        self.lag = _lag(self._wanted)
        self.deleted_after = FILE_DELETE_DELAY_MS / 1000
        self.different: list[Difference] = []

    async def refresh(self) -> None:
        """Read the settings. Raises a `KafkaError` when Kafka does not answer."""
        async with kafka_admin(self._kafka) as admin:
            found = await read_settings(admin, self._names)
        self.different = differences(found, self._wanted)
        self.deleted_after = max(map(_deleted_after, found.values()))
        # Never slower than they have to be: who puts settings right again finds the purge awake.
        self.lag = min([_lag(self._wanted), *map(_lag, found.values())])

    async def reason(self, partitions: int) -> str:
        """What keeps the broker from compacting, for the operator. Raises a `KafkaError`."""
        await self.refresh()
        if self.different:
            return "; ".join(map(str, self.different))
        held = await self._held_open(partitions)
        return f"an open transaction holds up {', '.join(held)}" if held else NOT_YET

    async def _held_open(self, partitions: int) -> list[str]:
        """The partitions whose readers of committed records have to stop before the end."""
        tps = [TopicPartition(name, n) for name in self._names for n in range(partitions)]
        ends: list[dict[TopicPartition, int]] = []
        for committed in (False, True):
            consumer = make_reader(self._kafka, committed=committed)
            await consumer.start()
            try:
                ends.append(await consumer.end_offsets(tps))
            finally:
                await consumer.stop()
        last, stable = ends
        return [f"{tp.topic}-{tp.partition}" for tp in tps if stable[tp] < last[tp]]


def _lag(settings: "dict[str, str]") -> float:
    """Seconds after which a segment is rolled and compacted, by these settings."""
    return max(int(settings[name]) for name in PACE) / 1000


def _deleted_after(settings: "dict[str, str]") -> float:
    """Seconds after which a file that was replaced is deleted, by these settings."""
    return int(settings.get("file.delete.delay.ms", FILE_DELETE_DELAY_MS)) / 1000
