"""Ask a broker whether it answers."""

# aiokafka is not annotated. Of what it returns, this file uses the list of brokers only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from aiokafka.errors import KafkaError

from private_names.of_aiokafka import MetadataRequest, create_conn
from streams.log.kafka_access import KafkaAccess

_REQUEST_TIMEOUT_MS = 5_000


async def answers(access: KafkaAccess) -> bool:
    """Whether the one broker answers a request for metadata and has registered itself.

    One connection by hand and not a client: a client logs an error at each try that fails.
    """
    host, _, port = access.bootstrap.rpartition(":")
    options = access.connection_options()
    try:
        connection = await create_conn(
            host, int(port), request_timeout_ms=_REQUEST_TIMEOUT_MS, **options
        )
    except (OSError, TimeoutError, KafkaError):
        return False
    try:
        metadata = await connection.send(MetadataRequest([]))
        return metadata is not None and len(metadata.brokers) > 0
    except (OSError, TimeoutError, KafkaError):
        return False
    finally:
        connection.close()
