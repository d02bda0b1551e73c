# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""The topics' settings: what they have to be, what they are, and putting them right (design "Erasure")."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from private_names.of_aiokafka_protocol import AlterSettings, ask
from schemas.errors import OperatorError
from streams.log.kafka_access import KafkaAccess
from streams.log.rights import TOPIC_REFUSED, MissingRights, Operation, Right, kafka_admin
from streams.log.setting_costs import Difference, Refused, weigh

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
    """All settings of these topics, as Kafka has them now. Raises `MissingRights`, and `KafkaError`."""
    responses: list[Any] = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    )
    resources = [resource for response in responses for resource in response.resources]
    refused = [name for code, _, _, name, _ in resources if code == TOPIC_REFUSED]
    if refused:
        raise MissingRights([Right(Operation.DESCRIBE_CONFIGS, "topic", each) for each in refused])
    for code, message, _, name, _ in resources:
        if code:
            raise for_code(code)(f"the settings of the topic {name}: {message or ''}")
    return {name: {entry[0]: entry[1] for entry in entries} for _, _, _, name, entries in resources}


def differences(found: Mapping[str, Settings], wanted: Settings) -> list[Difference]:
    """What is not as it has to be, by topic."""
    return [
        Difference(topic, name, settings.get(name), value)
        for topic, settings in sorted(found.items())
        for name, value in wanted.items()
        if settings.get(name) != value
    ]


async def put_right(admin: AIOKafkaAdminClient, names: Sequence[str], settings: Settings) -> None:
    """Put right what differs, and say so in a line per topic; what Kafka refuses is weighed.

    Raises `OperatorError` as `weigh` does.
    """
    drifted: dict[str, list[Difference]] = {}
    for difference in differences(await read_settings(admin, names), settings):
        drifted.setdefault(difference.topic, []).append(difference)
    refused: list[Refused] = []
    for topic, found in drifted.items():
        left = await _put_topic_right(admin, topic, found)
        refused += left
        kept = [each.difference for each in left]
        if mended := [each for each in found if each not in kept]:
            log.warning("%s: put right", ", ".join(map(str, mended)))
    weigh(refused)


async def _put_topic_right(
    admin: AIOKafkaAdminClient, topic: str, found: Sequence[Difference]
) -> list[Refused]:
    """What Kafka refuses: of all at once it takes none where one is refused."""
    reason = await _alter(admin, topic, {each.name: each.wanted for each in found})
    if reason is None:
        return []
    if len(found) == 1:
        return [Refused(found[0], reason)]
    return [left for each in found for left in await _put_topic_right(admin, topic, [each])]


async def alter_settings(
    admin: AIOKafkaAdminClient, names: Sequence[str], settings: Settings
) -> None:
    """Give these topics the settings; others stay as they are. Raises `OperatorError` when Kafka refuses."""
    for name in names:
        if (reason := await _alter(admin, name, settings)) is not None:
            raise OperatorError(
                f"Kafka did not take the settings {', '.join(settings)} of the topic {name} ({reason})"
            )


async def _alter(admin: AIOKafkaAdminClient, topic: str, settings: Settings) -> str | None:
    """Why Kafka refuses; None where it does not."""
    answer = await ask(admin, AlterSettings(topic, settings))
    code, message, _, _ = answer.resources[0]
    if code == TOPIC_REFUSED:
        return f"the right to {Right(Operation.ALTER_CONFIGS, 'topic', topic)} is missing"
    return (message or f"error {code}") if code else None


@contextlib.asynccontextmanager
async def hurried(kafka: KafkaAccess, names: Sequence[str]) -> AsyncGenerator[None]:
    """Let the broker roll and compact the segments of these topics every second until the block ends.

    Then their settings are what they were before; raises `OperatorError` when Kafka refuses.
    """
    async with kafka_admin(kafka) as admin:
        found = await read_settings(admin, names)
        before = {topic: {name: found[topic][name] for name in PACE} for topic in names}
        try:
            await alter_settings(admin, names, dict.fromkeys(PACE, _HURRY_MS))
            yield
        finally:
            for topic, settings in before.items():
                await alter_settings(admin, [topic], settings)
