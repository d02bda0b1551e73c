"""Ask a broker whether it answers."""

# aiokafka is not annotated. Of what it returns, this file uses the list of brokers only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

_REQUEST_TIMEOUT_MS = 5_000


async def answers(host: str, port: int) -> bool:
    """Whether a broker answers a request for metadata and has registered itself.

    One connection by hand and not a client: a client logs an error at each try that fails.
    """
    try:
        connection = await create_conn(host, port, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    except (OSError, TimeoutError, KafkaError):
        return False
    try:
        metadata = await connection.send(MetadataRequest([]))
        return metadata is not None and len(metadata.brokers) > 0
    except (OSError, TimeoutError, KafkaError):
        return False
    finally:
        connection.close()
