"""The client that Faust reads with: it is ours, and so are its settings."""

# Faust is annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faust.types import TP

from streams.consumer_group.chunk_delivery import ChunkApp, ChunkConsumer
from streams.consumer_group.placement import Member
from streams.log.kafka_access import KafkaAccess


async def positions(_: set[TP]) -> Mapping[TP, int]:
    return {}


def settings_of_client(folder: Path) -> dict[str, Any]:
    async def made() -> dict[str, Any]:
        app = ChunkApp(
            "app",
            kafka=KafkaAccess("a:1"),
            positions=positions,
            applied=lambda _: -1,
            member=lambda: Member("node"),
            datadir=str(folder),
            consumer_group_instance_id="node",
        )
        assert isinstance(app.consumer, ChunkConsumer)
        client = app.consumer.make_client()
        await client.stop()
        return vars(client)

    return asyncio.run(made())


def test_faust_reads_what_is_committed_and_commits_nothing(tmp_path: Path) -> None:
    found = settings_of_client(tmp_path)

    assert found["_isolation_level"] == "read_committed"
    assert found["_enable_auto_commit"] is False
    assert found["_auto_offset_reset"] == "earliest"


def test_faust_reads_as_a_static_member_of_the_apps_group(tmp_path: Path) -> None:
    found = settings_of_client(tmp_path)

    assert (found["_group_id"], found["_group_instance_id"]) == ("app", "node")
