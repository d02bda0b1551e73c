"""Reacts whenever somebody's plan changes, as a Faust agent.

    KAFKA=.profilelog/kafka.properties python examples/plan_agent.py worker --without-web

`profilelog up` writes that file into its data folder: the address of its Kafka and what it asks of a client. TOPIC
names the topic where the deployment has a prefix. A line of the worker's log tells of each change: {"id", "plan"}.

The agent has a consumer group, GROUP: where it was is kept in Kafka, and it goes on from there after a restart. A crash
may show it a change again, so what it does must be harmless when done twice. So Faust may read uncommitted records, as
it does: what a crash of the service aborts is published again.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Faust is annotated in part.

import json
import os
import ssl
from pathlib import Path
from typing import Any

import faust

lines = Path(os.environ.get("KAFKA", ".profilelog/kafka.properties")).read_text().splitlines()
kafka = dict(line.split("=", 1) for line in lines if "=" in line)
has_tls = "SSL" in kafka.get("security.protocol", "")
credentials = faust.SASLCredentials(
    username=kafka.get("sasl.username"),
    password=kafka.get("sasl.password"),
    mechanism=kafka.get("sasl.mechanism"),
    ssl_context=ssl.create_default_context(cafile=kafka.get("ssl.ca.location"))
    if has_tls
    else None,
)
app = faust.App(
    os.environ.get("GROUP", "plan-agent"),
    broker=f"kafka://{kafka['bootstrap.servers']}",
    broker_credentials=credentials if "sasl.username" in kafka else None,
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    topic_allow_declare=False,
)
# Read as bytes: a null, which says that a user is forgotten, has no JSON.
profiles = app.topic(
    os.environ.get("TOPIC", "profiles"),
    key_type=bytes,
    value_type=bytes,
    key_serializer="raw",
    value_serializer="raw",
)


@app.agent(profiles)
async def react(changes: Any) -> None:
    """Called with each record of the topic, one partition's in order."""
    async for id_, value in changes.items():
        if value is None:
            continue  # forgotten: whoever keeps something about them by their id removes it here
        change = json.loads(value)
        if "plan" in change["changed"]:
            print(
                json.dumps({"id": id_.decode(), "plan": change["profile"].get("plan")}), flush=True
            )


if __name__ == "__main__":
    app.main()
