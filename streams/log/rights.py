# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""The rights that Kafka's ACLs have to give, asked for before they are needed (docs/operating.md).

A client that lacks one meets errors that name no operation, or waits for ever; Kafka says beforehand what it may do.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError

from private_names.of_aiokafka_protocol import GroupRights, TopicRights, ask
from schemas.errors import OperatorError
from streams.log.kafka_access import KafkaAccess

TOPIC_REFUSED: Final = 29
"""Kafka's number of the error that a right on a topic is missing."""
_UNTOLD: Final = -(2**31)
_COORDINATOR_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1


class Operation(IntEnum):
    """Kafka's operations, by its own numbers."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11

    def __str__(self) -> str:
        """As `kafka-acls` and Kafka's documentation write it."""
        return self.name.title().replace("_", "")


class Right(NamedTuple):
    """To do something with a resource: a "topic", a "group" or a "transactional id"."""

    operation: Operation
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation} on the {self.kind} {self.name}"


class MissingRights(OperatorError):
    """Kafka does not let this client do what it has to."""

    def __init__(self, missing: Sequence[Right]) -> None:
        self.missing = list(missing)
        super().__init__(
            f"Kafka does not allow {', '.join(map(str, missing))}: give these rights to the user of "
            "PROFILELOG_KAFKA_USERNAME, or of the certificate (docs/operating.md has the list of all)"
        )


@contextlib.asynccontextmanager
async def kafka_admin(kafka: KafkaAccess) -> AsyncGenerator[AIOKafkaAdminClient]:
    """An admin client, until the block ends. Raises `KafkaError` where Kafka cannot be reached."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def check_topics(
    admin: AIOKafkaAdminClient, names: Iterable[str], needed: Iterable[Operation]
) -> None:
    """Raises `MissingRights` with all that is missing on the topics; of one that is not there nothing is.

    And `KafkaError`.
    """
    answer = await ask(admin, TopicRights(sorted(names)))
    missing: list[Right] = []
    for code, name, _, _, operations in answer.topics:
        if code == TOPIC_REFUSED:
            missing += [Right(each, "topic", name) for each in needed]
        elif not code:
            missing += [Right(each, "topic", name) for each in _lacking(operations, needed)]
    if missing:
        raise MissingRights(missing)


async def check_group(kafka: KafkaAccess, group: str) -> None:
    """Raises `MissingRights` where this client may not be a member of the consumer group, and `KafkaError`."""
    missing = MissingRights([Right(Operation.READ, "group", group)])
    async with kafka_admin(kafka) as admin:
        try:
            coordinator = await _coordinator(admin, group)
        except GroupAuthorizationFailedError:
            raise missing from None
        answer = await ask(admin, GroupRights(group), coordinator)
    (found,) = answer.groups
    code, operations = found[0], found[-1]
    refused = code == GroupAuthorizationFailedError.errno
    if refused or (not code and _lacking(operations, [Operation.READ])):
        raise missing


async def _coordinator(admin: AIOKafkaAdminClient, group: str) -> int:
    """The first group of a new Kafka has none until Kafka has made its own topic for them."""
    deadline = time.monotonic() + _COORDINATOR_SECONDS
    while True:
        try:
            return await admin.find_coordinator(group)
        except GroupCoordinatorNotAvailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL_SECONDS)


def _lacking(operations: Any, needed: Iterable[Operation]) -> list[Operation]:
    """What the bits lack; nothing where Kafka does not tell."""
    if operations == _UNTOLD:
        return []
    return [each for each in needed if not operations >> each & 1]
