"""The settings of the embedded broker: Kafka's server.properties and the options of its Java; and of its clients.

Both listeners ask for SASL PLAIN. Its passwords stand in files alone, so a folder that was made without any goes on;
Kafka keeps those of SCRAM in its log, where an older folder has none. The password crosses nothing but the loopback
device, which only the system's administrator can listen to.
"""

from collections.abc import Mapping
from typing import Final

from streams.log.kafka_access import KafkaAccess

# Serial collector and a small heap: one node, a few partitions, some 200 MB resident.
JAVA_OPTIONS = [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # The quick compiler only: a start costs 2 s of CPU instead of 3, 50 MB less stay resident, and
    # appending 1.5 million records costs the same once warm.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",  # no files under the system's temporary folder
    "-XX:+ExitOnOutOfMemoryError",  # a broker that half works is worse than one that is gone
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    # A line for each client that is refused: who has no password may not fill the disk.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.network.Selector=error",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
]

NODE_ID = 1
CLIENT: Final = "profilelog"
_BROKER: Final = "broker"  # the user that the broker is to itself
_TRANSACTION_MAX_TIMEOUT_MS = 60_000


def server_properties(
    *, port: int, controller_port: int, purge_within: float, password: str, own_password: str
) -> str:
    """The text of server.properties.

    `password` is that of clients, and good at the port for clients alone; `own_password` is the broker's, for its
    controller and for itself. Neither has a quote or a backslash.

    `purge_within` is in seconds: the cleaner searches for work, and deletes what it replaced, after a
    thirtieth of it (1 s for the embedded default of 30 s). The third of it after which a segment
    rolls and is compacted is a setting of the topics, not of the broker.
    """
    step_ms = int(min(max(purge_within / 30, 0.1), 15.0) * 1000)
    settings: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
        "listeners": f"CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": _login(
            _BROKER, own_password, {_BROKER: own_password, CLIENT: password}
        ),
        "listener.name.controller.plain.sasl.jaas.config": _login(
            _BROKER, own_password, {_BROKER: own_password}
        ),
        # Relative to where Kafka is started: an absolute one must have no comma.
        "log.dirs": "kafka",
        # One node: every internal topic has one replica, and one partition is enough.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "transaction.max.timeout.ms": _TRANSACTION_MAX_TIMEOUT_MS,
        "group.initial.rebalance.delay.ms": 0,
        # After a kill -9 the controller waits for the end of the session of the broker that it takes to be alive.
        "broker.session.timeout.ms": 1000,
        "broker.heartbeat.interval.ms": 250,
        # Erasing: what a tombstone names goes with the next pass of the cleaner.
        "log.cleaner.backoff.ms": step_ms,
        "log.segment.delete.delay.ms": step_ms,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.message.timestamp.type": "LogAppendTime",
        "auto.create.topics.enable": "false",
        "message.max.bytes": 4 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        # After a kill -9 every partition is read again before the broker answers.
        "num.recovery.threads.per.data.dir": 2,
    }
    return _lines(settings)


def client_properties(access: KafkaAccess) -> str:
    """The text of kafka.properties, which Java's tools take as --command-config, and `read_properties` reads.

    Java takes the credentials from `sasl.jaas.config` and passes over what librdkafka has for them, `sasl.username`
    and `sasl.password`; librdkafka refuses Java's, so its users leave that line out.
    """
    assert access.username is not None
    assert access.password is not None
    settings = {
        "bootstrap.servers": access.bootstrap,
        "security.protocol": access.protocol,
        "sasl.mechanism": access.mechanism,
        "sasl.username": access.username,
        "sasl.password": access.password,
        "sasl.jaas.config": _login(access.username, access.password),
    }
    return _lines(settings)


def _login(username: str, password: str, users: Mapping[str, str] | None = None) -> str:
    """Java's form of credentials: who one is to others, and for a broker the passwords of its `users`."""
    options = {"username": username, "password": password}
    options |= {f"user_{name}": word for name, word in (users or {}).items()}
    shown = " ".join(f'{name}="{value}"' for name, value in options.items())
    return f"org.apache.kafka.common.security.plain.PlainLoginModule required {shown};"


def _lines(settings: Mapping[str, str | int]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())
