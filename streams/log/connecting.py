# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# aiokafka is annotated in part.
"""Why Kafka takes no connection, in words: aiokafka's clients log it, and raise that they could not connect."""

import ssl
from typing import Final

from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from private_names.of_aiokafka import create_conn
from streams.log.kafka_access import KafkaAccess

_TIMEOUT_MS: Final = 5_000


async def refusal(kafka: KafkaAccess) -> str | None:
    """What the first server that answers has against this client; None where it is let in, or nobody answers."""
    for server in kafka.bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        options = kafka.connection_options()
        try:
            connection = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=_TIMEOUT_MS, **options
            )
        except (OSError, TimeoutError, KafkaError) as error:
            if (found := _in_words(kafka, server.strip(), error)) is not None:
                return found
        else:
            connection.close()
            return None
    return None


def _in_words(kafka: KafkaAccess, server: str, error: Exception) -> str | None:
    """None where the server was not reached."""
    if isinstance(error, SaslAuthenticationFailed):
        return (
            f"Kafka at {server} does not know the user {kafka.username} with this password by {kafka.mechanism}: check "
            "PROFILELOG_KAFKA_USERNAME, PROFILELOG_KAFKA_PASSWORD and PROFILELOG_KAFKA_SASL_MECHANISM"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return (
            f"Kafka at {server} does not take passwords by {kafka.mechanism}: set PROFILELOG_KAFKA_SASL_MECHANISM to "
            "one that it takes"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of Kafka at {server} cannot be trusted ({error.verify_message}): set "
            "PROFILELOG_KAFKA_CA_FILE to the certificate of whoever has certified it, and PROFILELOG_KAFKA to names "
            "that it is for"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"Kafka at {server} does not speak TLS with this client ({error.reason}): check "
            "PROFILELOG_KAFKA_SECURITY_PROTOCOL, and the certificate in PROFILELOG_KAFKA_CERT_FILE"
        )
    if isinstance(error, KafkaConnectionError):
        return (
            f"Kafka at {server} ends every connection by {kafka.protocol}: check PROFILELOG_KAFKA_SECURITY_PROTOCOL; "
            "where it asks for a certificate, PROFILELOG_KAFKA_CERT_FILE and PROFILELOG_KAFKA_KEY_FILE"
        )
    return None
