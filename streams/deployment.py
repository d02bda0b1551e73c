"""What a node has to know of its deployment; it imports little, for every command reads it."""

from dataclasses import dataclass
from pathlib import Path

from streams.log.kafka_access import KafkaAccess


@dataclass(frozen=True)
class Deployment:
    """The settings of a node.

    `purge_within`, `write_timeout` and `session_timeout` are in seconds, `max_pending` in bytes, `max_streams` are the
    streams of changes that may be open at a time; `folder` holds this node's state.
    """

    kafka: KafkaAccess
    hash_key: bytes
    folder: Path
    partitions: int
    prefix: str
    replication: int
    purge_within: float
    write_timeout: float
    max_pending: int
    max_streams: int
    session_timeout: float

    @property
    def app_id(self) -> str:
        return f"{self.prefix}profilelog"
