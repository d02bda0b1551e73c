"""The log, for commands that read it and change nothing."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from api.command_line.account_log import kafka
from api.kafka_errors import kafka_in_words
from api.settings import HASH_KEY_FILE, Settings, deployment
from schemas.errors import OperatorError
from schemas.identity import Identity
from streams.auditing.replay import LogReader
from streams.log.topics import Topics, known_log

_BROKER_FOLDER: Final = "broker"


@contextlib.asynccontextmanager
async def log_reader(settings: Settings) -> AsyncGenerator[LogReader]:
    """The log of PROFILELOG_KAFKA, or of the data folder, whose broker is started where none runs.

    Raises `OperatorError` when there is none, or another deployment's.
    """
    check_log_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        found = await stack.enter_async_context(kafka(settings))
        await stack.enter_async_context(kafka_in_words(found.access))
        known = deployment(settings, kafka=found.access, embedded=found.embedded)
        topics = Topics(known.partitions, known.prefix)
        identity = Identity(known.hash_key, known.partitions)
        marker = await known_log(known.kafka, topics, identity)
        yield await stack.enter_async_context(LogReader(known.kafka, topics, marker, identity))


def check_log_folder(settings: Settings) -> None:
    """An auditor makes neither a log nor a key. Raises `OperatorError`."""
    if settings.own_kafka() is not None:
        return
    if not (settings.data / _BROKER_FOLDER).is_dir():
        raise OperatorError(
            f"there is no log in {settings.data}: name its data folder with --data, or its Kafka "
            "with PROFILELOG_KAFKA"
        )
    if settings.hash_key is None and not (settings.data / HASH_KEY_FILE).exists():
        raise OperatorError(
            f"{settings.data / HASH_KEY_FILE} is missing: put the deployment's hash key back, "
            "nobody is found without it"
        )
