"""A partition in memory that feeds a search index, with the index's real process."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

from projections import keyspace
from schemas.errors import Unavailable
from schemas.events import ProfileForgotten
from schemas.search.conditions import EVERYBODY
from streams.indexing.commit_loop import SearchFeed
from streams.pace import Pace
from streams.partition.profile_partition import ProfilePartition
from tests.support.folding import ACCOUNT, AT, Profiles, user

_SECONDS: Final = 30


async def poll(is_so: Callable[[], Awaitable[object]], each_time: Callable[[], None]) -> None:
    """Wait until it is so: a process and its files set no event."""
    async with asyncio.timeout(_SECONDS):
        while not await is_so():
            each_time()
            await asyncio.sleep(0.01)


class Fed:
    """A partition and the feed of its index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.profiles = Profiles()
        unused = cast("Any", None)
        partition = ProfilePartition(self.profiles.state, unused, unused)
        self.feed = SearchFeed(
            root,
            "this log",
            {partition.tp: partition},
            is_ready=lambda: True,
            is_busy=lambda: False,
            pace=Pace(),
        )

    def forget(self, id_: str, uid: str) -> int:
        """Fold a forget and hide whom it erased; returns its offset."""
        event = ProfileForgotten(
            account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion="d" * 24, spent=[], events=0
        )  # fmt: skip
        offset = self.profiles.put(event).offset
        self.feed.hide(self.profiles.state)
        return offset

    async def count(self) -> int | None:
        """How many profiles are found; None while searches are refused."""
        try:
            return await self.feed.searches.count(ACCOUNT, EVERYBODY)
        except Unavailable:
            return None

    async def until(self, is_so: Callable[[], object]) -> None:
        async def ask() -> object:
            return is_so()

        await poll(ask, self.feed.wake)

    async def until_found(self, number: int) -> None:
        async def ask() -> bool:
            return await self.count() == number

        await poll(ask, self.feed.wake)

    async def until_dropped(self) -> None:
        """No row says any more that somebody is to be read again."""
        rows = self.profiles.state.storage
        await self.until(lambda: not any(rows.scan(*keyspace.bounds(keyspace.CHANGED))))

    def generations(self) -> set[str]:
        return {path.name for path in self.root.iterdir() if path.is_dir()}


@asynccontextmanager
async def running(fed: Fed) -> AsyncGenerator[Callable[[], None]]:
    """The feed, fed until the block ends or what is given is called."""
    task = asyncio.create_task(fed.feed.run())
    try:
        yield lambda: cast("None", task.cancel())
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await fed.feed.close()
