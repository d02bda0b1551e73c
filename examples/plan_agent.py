"""Reacts whenever somebody's plan changes, as a Faust agent.

    KAFKA=127.0.0.1:9092 python examples/plan_agent.py worker --without-web

`profilelog up --json` prints the address of its Kafka; TOPIC names the topic where the deployment has a prefix. A line
of the worker's log tells of each change: {"id", "plan"}.

The agent has a consumer group, GROUP: where it was is kept in Kafka, and it goes on from there after a restart. A crash
may show it a change again, so what it does must be harmless when done twice. So Faust may read uncommitted records, as
it does: what a crash of the service aborts is published again.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Faust is annotated in part.

import json
import os
from typing import Any

import faust

app = faust.App(
    os.environ.get("GROUP", "plan-agent"),
    broker=f"kafka://{os.environ.get('KAFKA', '127.0.0.1:9092')}",
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
