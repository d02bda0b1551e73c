# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""The topics' settings: what they have to be, what they are, and putting them right (design "Erasure")."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.errors import OperatorError
from streams.log.kafka_access import KafkaAccess

log = logging.getLogger(__name__)

TRANSACTION_TIMEOUT_MS: Final = 10_000
MAX_RECORD_BYTES: Final = 4 << 20
TOMBSTONES_KEPT_SECONDS: Final = 24 * 3600
TOMBSTONES_SEEN_SECONDS: Final = 23 * 3600
"""Who has read all that was appended longer ago has missed no tombstone: an hour for reading, and for clocks."""
FILE_DELETE_DELAY_MS: Final = 1000
# Those that say how soon a segment is rolled and compacted, in milliseconds.
PACE: Final = ("segment.ms", "max.compaction.lag.ms")

_HURRY_MS: Final = "1000"

Settings = Mapping[str, str]


class Difference(NamedTuple):
    """A setting of a topic that is not what it has to be; `found` is None where Kafka does not return it."""

    topic: str
    name: str
    found: str | None
    wanted: str

    def __str__(self) -> str:
        return f"{self.topic} has {self.name}={self.found} instead of {self.wanted}"


def topic_settings(purge_within: float) -> dict[str, str]:
    """Settings of every topic; `purge_within` is in seconds (design "Erasure").

    A segment must roll and the cleaner run well within `purge_within`, but never faster than an open transaction
    may last.
    """
    lag = str(max(int(purge_within * 1000 / 3), TRANSACTION_TIMEOUT_MS))
    return {
        "cleanup.policy": "compact",
        "message.timestamp.type": "LogAppendTime",
        "segment.ms": lag,
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": lag,
        "min.cleanable.dirty.ratio": "0.5",
        "delete.retention.ms": str(TOMBSTONES_KEPT_SECONDS * 1000),
        "max.message.bytes": str(MAX_RECORD_BYTES),
        "file.delete.delay.ms": str(FILE_DELETE_DELAY_MS),
    }


async def read_settings(
    admin: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, dict[str, str]]:
    """All settings of these topics, as Kafka has them now."""
    responses: list[Any] = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    )
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _, _, _, name, entries in response.resources
    }


def differences(found: Mapping[str, Settings], wanted: Settings) -> list[Difference]:
    """What is not as it has to be, by topic."""
    return [
        Difference(topic, name, settings.get(name), value)
        for topic, settings in sorted(found.items())
        for name, value in wanted.items()
        if settings.get(name) != value
    ]


async def put_right(admin: AIOKafkaAdminClient, names: Sequence[str], settings: Settings) -> None:
    """Put right what differs, and say so in a line per topic. Raises `OperatorError` when Kafka refuses."""
    drifted: dict[str, list[Difference]] = {}
    for difference in differences(await read_settings(admin, names), settings):
        drifted.setdefault(difference.topic, []).append(difference)
    if not drifted:
        return
    await alter_settings(admin, list(drifted), settings)
    for found in drifted.values():
        log.warning("%s: put right", ", ".join(map(str, found)))


async def alter_settings(
    admin: AIOKafkaAdminClient, names: Sequence[str], settings: Settings
) -> None:
    """Give these topics the settings, and no others. Raises `OperatorError` when Kafka refuses."""
    responses: list[Any] = await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, dict(settings)) for name in names]
    )
    for response in responses:
        for code, message, _, name in response.resources:
            if code:
                raise OperatorError(
                    f"Kafka did not take the settings of the topic {name} (error {code}: {message or ''}); "
                    "without them nothing is erased in time: allow the service to alter its topics' settings"
                )


@contextlib.asynccontextmanager
async def hurried(kafka: KafkaAccess, names: Sequence[str]) -> AsyncGenerator[None]:
    """Let the broker roll and compact the segments of these topics every second until the block ends.

    Then their settings are what they were before; raises `OperatorError` when Kafka refuses.
    """
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        found = await read_settings(admin, names)
        before = {
            topic: {name: settings[name] for name in topic_settings(0)}
            for topic, settings in found.items()
        }
        try:
            for topic, settings in before.items():
                await alter_settings(admin, [topic], settings | dict.fromkeys(PACE, _HURRY_MS))
            yield
        finally:
            for topic, settings in before.items():
                await alter_settings(admin, [topic], settings)
    finally:
        await admin.close()
