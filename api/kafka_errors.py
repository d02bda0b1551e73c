"""Messages for an operator whose Kafka cannot be used."""

import contextlib
from collections.abc import Generator

from aiokafka.errors import KafkaError

from schemas.errors import OperatorError
from streams.log.kafka_access import KafkaAccess


@contextlib.contextmanager
def kafka_in_words(kafka: KafkaAccess) -> Generator[None]:
    """Raise `OperatorError` when Kafka cannot be used, in place of aiokafka's own errors."""
    try:
        yield
    except KafkaError as error:
        raise OperatorError(
            f"Kafka at {kafka.bootstrap} cannot be used ({error}): check that it "
            f"runs, that it can be reached from here, that it takes connections by {_shown(kafka)}, and "
            "PROFILELOG_KAFKA with the variables that begin like it"
        ) from error


def _shown(kafka: KafkaAccess) -> str:
    """The protocol of a connection, and with SASL who the service says it is."""
    return f"{kafka.protocol} as {kafka.username}" if kafka.username else kafka.protocol
