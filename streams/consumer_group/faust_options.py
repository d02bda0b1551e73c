"""How Faust reaches Kafka: what `KafkaAccess` says, in Faust's own words."""

from typing import Any

import faust
from faust.types.auth import CredentialsT

from streams.log.kafka_access import KafkaAccess


def faust_options(kafka: KafkaAccess) -> dict[str, Any]:
    """The keyword arguments of a Faust app. Raises `OperatorError` as `KafkaAccess.ssl_context` does."""
    # An URL for each server: Faust takes a list of them, and no list in one.
    brokers = [f"kafka://{server.strip()}" for server in kafka.bootstrap.split(",")]
    return {"broker": brokers, "broker_credentials": _credentials(kafka)}


def _credentials(kafka: KafkaAccess) -> CredentialsT | None:
    if kafka.has_sasl:
        return faust.SASLCredentials(
            username=kafka.username,
            password=kafka.password,
            mechanism=kafka.mechanism,
            ssl_context=kafka.ssl_context,
        )
    return None if kafka.ssl_context is None else faust.SSLCredentials(kafka.ssl_context)
