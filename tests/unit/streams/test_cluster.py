"""What a node asks the others of a deployment, and what it makes of their answers."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web
from faust.types import TP

from schemas.errors import Unavailable
from schemas.identity import KEY_BYTES, Identity
from streams.cluster import peers as module
from streams.cluster.cluster import Cluster
from streams.cluster.operations import (
    OPERATIONS,
    Counted,
    CountProfiles,
    FoldedTo,
    WhoAreYou,
    WriteEvent,
)
from streams.cluster.peers import DOOR, PeerError
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from streams.partition.leases import Owner
from streams.partition.settlement_among_nodes import SettlementAmongNodes

TOPICS = Topics(2)
ME = Owner("me", "http://here:1")
COUNT = CountProfiles("account", b"{}", 0, None, None)


def cluster() -> Cluster:
    identity = Identity(bytes(KEY_BYTES), TOPICS.partitions)
    made = Cluster(KafkaAccess("nowhere:1"), TOPICS, identity, ME, SettlementAmongNodes(), 0.3, 1.0)
    made.partitions.runtimes[TP(TOPICS.events, 0)] = cast("Any", None)
    return made


@contextlib.asynccontextmanager
async def other(answer: "Any") -> AsyncGenerator[Owner]:
    """Another node, that answers by `answer`."""
    app = web.Application()
    app.router.add_post(DOOR, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        _, port, *_ = runner.addresses[0]
        yield Owner("other", f"http://127.0.0.1:{port}")
    finally:
        await runner.cleanup()


def test_what_nobody_answers_for_is_never_left_out() -> None:
    async def here() -> Counted:
        return Counted([0], 7)

    # The other node has released its partitions, and none has acquired them yet.
    with pytest.raises(Unavailable):
        asyncio.run(cluster().of_all_nodes(here, lambda: COUNT))


def test_a_node_that_answers_for_all_partitions_asks_nobody() -> None:
    async def here() -> Counted:
        return Counted([0, 1], 7)

    assert asyncio.run(cluster().of_all_nodes(here, lambda: COUNT)) == [Counted([0, 1], 7)]


def test_questions_of_one_kind_hold_no_connection_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A write waits until its claims settle, which waits for folds that its node asks for here."""
    monkeypatch.setattr(module, "_MOST_CONNECTIONS", 1)

    async def ask() -> int:
        folded = asyncio.Event()

        async def answer(request: web.Request) -> web.Response:
            asked = msgspec.msgpack.decode(await request.read(), type=OPERATIONS)
            if isinstance(asked, WriteEvent):
                await folded.wait()
                return web.Response(status=503, text="folded")
            folded.set()
            return web.Response(body=msgspec.msgpack.encode(3))

        peers = cluster().peers
        async with other(answer) as owner:
            writes = [
                asyncio.ensure_future(peers.ask_node(owner, WriteEvent(0, b"", b"")))
                for _ in range(2)
            ]
            await asyncio.sleep(0.1)
            applied = await peers.ask_node(owner, FoldedTo(0, 3))
            await asyncio.gather(*writes, return_exceptions=True)
            await peers.stop()
        return applied

    async def in_time() -> int:
        async with asyncio.timeout(2):
            return await ask()

    assert asyncio.run(in_time()) == 3


def test_an_answer_of_something_else_is_no_answer_of_a_node() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async def ask() -> None:
        peers = cluster().peers
        async with other(answer) as owner:
            try:
                await peers.ask_node(owner, WhoAreYou())
            finally:
                await peers.stop()

    with pytest.raises(PeerError):
        asyncio.run(ask())
