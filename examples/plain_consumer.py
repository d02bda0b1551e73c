"""Keeps a copy of every profile, with aiokafka alone.

    python examples/plain_consumer.py --kafka .profilelog/kafka.properties

`profilelog up` writes that file into its data folder: the address of its Kafka and what it asks of a client. For a
Kafka of your own write one, with `bootstrap.servers=kafka:9092` and what yours asks for.

The copy is empty at each start, and `profiles` is compacted, so it is read from its beginning: the latest state of
everybody first, then each change as it comes. A line of JSON tells of each, without what the profile holds: {"id",
"type", "changed", "profiles"}, the last being how many there are.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.

import argparse
import asyncio
import contextlib
import json
import ssl
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

PROFILE_ID_LENGTH = 24


async def follow(kafka: dict[str, str], topic: str) -> None:
    """Read the topic until cancelled; `kafka` are the settings of Kafka's clients."""
    protocol = kafka.get("security.protocol", "PLAINTEXT")
    has_tls = "SSL" in protocol
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka["bootstrap.servers"],
        security_protocol=protocol,
        ssl_context=ssl.create_default_context(cafile=kafka.get("ssl.ca.location"))
        if has_tls
        else None,
        sasl_mechanism=kafka.get("sasl.mechanism", "PLAIN"),
        sasl_plain_username=kafka.get("sasl.username"),
        sasl_plain_password=kafka.get("sasl.password"),
        isolation_level="read_committed",  # not what a relay that was killed left half published
        auto_offset_reset="earliest",
        enable_auto_commit=False,  # without a group: what was read is in memory only
    )
    await consumer.start()
    profiles: dict[str, Any] = {}
    try:
        while True:
            found = await consumer.getmany(timeout_ms=500)
            for record in [record for records in found.values() for record in records]:
                take(profiles, (record.key or b"").decode(), record.value)
    finally:
        await consumer.stop()


def take(profiles: dict[str, Any], id_: str, value: bytes | None) -> None:
    """Apply one record to the copy."""
    if len(id_) != PROFILE_ID_LENGTH:
        return  # a null that means nothing: it lets the log's segments roll
    if value is None:
        profiles.pop(id_, None)
        tell(id=id_, type="profile-forgotten", changed=[], profiles=len(profiles))
        return
    change = json.loads(value)
    profiles[id_] = change["profile"]
    tell(id=id_, type=change["event"]["type"], changed=change["changed"], profiles=len(profiles))


def tell(**said: object) -> None:
    """One line of JSON."""
    print(json.dumps(said), flush=True)


def read_properties(path: Path) -> dict[str, str]:
    """The `name=value` lines of a file."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--kafka", type=Path, default=".profilelog/kafka.properties", help="a file of properties"
    )
    parser.add_argument("--topic", default="profiles", help="with the deployment's prefix")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(read_properties(arguments.kafka), arguments.topic))
