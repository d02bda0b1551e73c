"""The feed of the search index, over a folded partition and a real index; the log is left out."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from projections import keyspace
from projections.search.generation import Generation
from schemas.errors import Unavailable
from schemas.events import ProfileForgotten
from schemas.search.conditions import EVERYBODY
from streams.indexing import commit_loop
from streams.indexing.commit_loop import SearchFeed
from streams.pace import Pace
from streams.partition.profile_partition import ProfilePartition
from tests.support.folding import ACCOUNT, AT, IDENTITY, Profiles, upserted, user

_SECONDS = 30


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
            IDENTITY,
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
            return await self.feed.indexer.count(ACCOUNT, EVERYBODY)
        except Unavailable:
            return None

    async def until_found(self, number: int) -> None:
        async with asyncio.timeout(_SECONDS):
            while await self.count() != number:
                self.feed.wake()
                await asyncio.sleep(0.01)

    async def until_dropped(self) -> None:
        """No row says any more that somebody is to be looked at."""
        rows = self.profiles.state.storage
        async with asyncio.timeout(_SECONDS):
            while any(rows.scan(keyspace.CHANGED, keyspace.after(keyspace.CHANGED))):
                self.feed.wake()
                await asyncio.sleep(0.01)

    def generations(self) -> set[str]:
        return {path.name for path in self.root.iterdir() if path.is_dir()}


@asynccontextmanager
async def running(fed: Fed) -> AsyncGenerator[Callable[[], None]]:
    """The feed, fed until the block ends or what is given is called."""
    task = asyncio.create_task(fed.feed.run())
    yield lambda: cast("None", task.cancel())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await fed.feed.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is there to be left time to."""
    monkeypatch.setattr(commit_loop, "COMMIT_SECONDS", 0.01)
    monkeypatch.setattr(commit_loop, "_RETRY_SECONDS", 0.01)


def test_what_is_folded_is_found_and_its_rows_are_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        for n in range(300):
            fed.profiles.create(f"old {n}")
        async with running(fed):
            await fed.until_found(300)
            for n in range(300):
                fed.profiles.create(f"new {n}")
            fed.profiles.put(upserted("old 1", plan="gold"))
            await fed.until_found(600)
            await fed.until_dropped()

    asyncio.run(scenario())


def test_searches_are_refused_until_the_index_is_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        assert await fed.count() is None
        async with running(fed):
            await fed.until_found(0)
        assert await fed.count() is None

    asyncio.run(scenario())


def test_who_is_erased_is_hidden_before_anything_is_committed(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        ada = fed.profiles.create("ada")
        fed.profiles.create("bob")
        async with running(fed) as stop:
            await fed.until_found(2)
            stop()
            fed.forget(ada, "ada")
            assert await fed.count() == 1

    asyncio.run(scenario())


def test_an_erasure_builds_the_index_anew_unless_that_was_done_since(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        ada, bob = fed.profiles.create("ada"), fed.profiles.create("bob")
        async with running(fed):
            await fed.until_found(2)
            first = fed.generations()
            ada_gone = fed.forget(ada, "ada")
            bob_gone = fed.forget(bob, "bob")
            await fed.feed.erase({0: ada_gone})
            second = fed.generations()
            await fed.feed.erase({0: bob_gone})
            assert fed.generations() == second
            assert first.isdisjoint(second)
            assert await fed.count() == 0

    asyncio.run(scenario())


def test_after_a_commit_that_failed_the_index_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        async with running(fed):
            await fed.until_found(0)
            commit, failed = Generation.commit, asyncio.Event()
            loop = asyncio.get_running_loop()

            def fail_once(_: Generation) -> None:
                monkeypatch.setattr(Generation, "commit", commit)
                loop.call_soon_threadsafe(failed.set)
                raise OSError

            monkeypatch.setattr(Generation, "commit", fail_once)
            fed.profiles.create("ada")
            fed.feed.wake()
            await asyncio.wait_for(failed.wait(), _SECONDS)
            await fed.until_found(1)

    asyncio.run(scenario())


def test_an_index_whose_state_is_begun_anew_is_not_used(tmp_path: Path) -> None:
    async def scenario() -> None:
        before = Fed(tmp_path)
        before.profiles.create("ada")
        async with running(before):
            await before.until_found(1)
        again = Fed(tmp_path)
        again.feed.discard()
        async with running(again):
            await again.until_found(0)

    asyncio.run(scenario())
