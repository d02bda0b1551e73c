"""Messages for an operator whose Kafka cannot be used."""

import contextlib
from collections.abc import AsyncGenerator

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from schemas.errors import OperatorError
from streams.log.connecting import refusal
from streams.log.damage import damage_in_words
from streams.log.kafka_access import KafkaAccess

_RIGHTS = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


@contextlib.asynccontextmanager
async def kafka_in_words(kafka: KafkaAccess) -> AsyncGenerator[None]:
    """Raise `OperatorError` when Kafka cannot be used, or what it has is damaged, in place of aiokafka's own errors."""
    try:
        async with damage_in_words(kafka):
            yield
    except _RIGHTS as error:  # those that were not asked for beforehand (`streams.log.rights`)
        raise OperatorError(
            f"Kafka refuses what this needs ({error}): give the rights that docs/operating.md lists to the user of "
            "PROFILELOG_KAFKA_USERNAME, or of the certificate"
        ) from error
    except KafkaError as error:
        raise OperatorError(
            await refusal(kafka)
            or f"Kafka at {kafka.bootstrap} cannot be used ({error}): check that it "
            f"runs, that it can be reached from here, that it takes connections by {_shown(kafka)}, and "
            "PROFILELOG_KAFKA with the variables that begin like it"
        ) from error


def _shown(kafka: KafkaAccess) -> str:
    """The protocol of a connection, and with SASL who the service says it is."""
    return f"{kafka.protocol} as {kafka.username}" if kafka.username else kafka.protocol
