"""The settings of the embedded broker: Kafka's server.properties and the options of its Java."""

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
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
]

NODE_ID = 1
_TRANSACTION_MAX_TIMEOUT_MS = 60_000


def server_properties(*, port: int, controller_port: int, purge_within: float) -> str:
    """The text of server.properties.

    `purge_within` is in seconds: the cleaner looks for work, and deletes what it replaced, after a
    thirtieth of it (1 s for the embedded default of 30 s). The third of it after which a segment
    rolls and is compacted is a setting of the topics, not of the broker.
    """
    step_ms = int(min(max(purge_within / 30, 0.1), 15.0) * 1000)
    settings: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
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
    return "".join(f"{name}={value}\n" for name, value in settings.items())
