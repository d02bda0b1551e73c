"""The embedded broker: one Apache Kafka node (KRaft) run as a child process on loopback.

For development, tests and small installations that have no Kafka of their own. Nothing needs to be
installed: `jars` brings Kafka and `java` brings a Java. What `EmbeddedBroker` does, in order, is
told in `embedded`.
"""

from streams.broker.embedded import EmbeddedBroker
from streams.broker.errors import (
    BrokerDied,
    BrokerError,
    BrokerLocked,
    JarMismatch,
    JarsUnavailable,
    JavaMissing,
    PortTaken,
)
from streams.broker.folder import CLIENT_FILE, running_broker
from streams.broker.training import train

__all__ = [
    "CLIENT_FILE",
    "BrokerDied",
    "BrokerError",
    "BrokerLocked",
    "EmbeddedBroker",
    "JarMismatch",
    "JarsUnavailable",
    "JavaMissing",
    "PortTaken",
    "running_broker",
    "train",
]
