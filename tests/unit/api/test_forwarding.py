"""Requests that go on to the node that answers them."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from faust.types import TP

from api.nodes.forwarding import Forwarding
from schemas.identity import KEY_BYTES, Identity
from streams.cluster.cluster import Cluster
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from streams.partition.leases import Owner
from streams.partition.owned_partitions import Elsewhere
from streams.partition.settlement_among_nodes import SettlementAmongNodes

PATIENCE = 0.1
TOPICS = Topics(1)


async def _sent_on(monkeypatch: pytest.MonkeyPatch, *, is_reached: bool) -> list[Any]:
    """What a user gets whose request the owner answers after five times the patience."""

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(5 * PATIENCE)
        return web.Response(status=202, body=b"taken")

    app = web.Application()
    app.router.add_post("/batch", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    me, owner = Owner("me", "http://here:1"), Owner("other", f"http://127.0.0.1:{port}")
    identity = Identity(bytes(KEY_BYTES), TOPICS.partitions)
    peers = Cluster(
        KafkaAccess("nowhere:1"), TOPICS, identity, me, SettlementAmongNodes(), PATIENCE, 1.0
    ).peers
    monkeypatch.setattr(peers.owners, "of", lambda _: owner)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    peers.note(owner, reached=is_reached)
    scope: Any = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/batch",
        "query_string": b"",
        "headers": [],
        "state": {},
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    error = Elsewhere(TP(TOPICS.events, 0))
    request: Any = SimpleNamespace(scope=scope, method="POST")
    try:
        await Forwarding(request, error, peers)(scope, cast("Any", None), send)
    finally:
        await peers.stop()
        await runner.cleanup()
    return sent


def test_a_batch_may_take_its_time_at_another_node(monkeypatch: pytest.MonkeyPatch) -> None:
    start, *parts = asyncio.run(_sent_on(monkeypatch, is_reached=True))

    assert start["status"] == 202
    assert b"".join(part["body"] for part in parts) == b"taken"


def test_a_node_that_is_not_reached_any_more_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, *_ = asyncio.run(_sent_on(monkeypatch, is_reached=False))

    assert start["status"] == 503
