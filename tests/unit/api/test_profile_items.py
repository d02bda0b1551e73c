"""Items of a batch of profiles on their way to the log (`api.commands.batches.profile_items`)."""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import cast

from api.commands.batches.profile_items import ProfileItems
from api.commands.batches.writer import BatchContext
from schemas.identity import Identity
from streams.log.appender import Keyed
from streams.node import Node
from tests.support.folding import ACCOUNT


class Log:
    """A node that appends, and says how far a batch was when it asked to let the fold catch up."""

    def __init__(self) -> None:
        self.identity = Identity(bytes(32), 2)
        self.topics = SimpleNamespace(events="profile-events")
        self.appender = self
        self.asked: list[Mapping[int, int]] = []
        self.acks: list[asyncio.Future[int]] = []

    async def let_fold_catch_up(self, appended: Mapping[int, int]) -> None:
        self.asked.append(appended)

    async def append_many(
        self, topic: str, partition: int, records: Sequence[Keyed]
    ) -> list[asyncio.Future[int]]:
        assert topic == "profile-events"
        assert partition in (0, 1)
        assert records
        self.acks.append(asyncio.get_running_loop().create_future())
        return self.acks[-1:]


def test_before_each_slice_the_fold_may_catch_up_with_what_is_acknowledged() -> None:
    async def scenario() -> None:
        log = Log()
        items = ProfileItems(BatchContext(cast("Node", log), ACCOUNT, False, 1 << 20))

        await items.append({0: (0, b"a"), 1: (1, b"b")})
        log.acks[0].set_result(41)
        await items.append({2: (0, b"c")})
        log.acks[2].set_exception(OSError())
        await items.append({3: (0, b"d")})

        assert log.asked == [{}, {0: 41}, {0: 41}]

    asyncio.run(scenario())
