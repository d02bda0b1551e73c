"""The feed of the search index, over a folded partition, a real index and its process; the log is left out."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from projections.search.names import PropertyNames
from schemas.search.conditions import OneOf
from streams.indexing import commit_loop, index_link, lag
from tests.support.feeding import Fed, poll, running
from tests.support.folding import ACCOUNT, tracked, upserted
from tests.support.searching import index_processes

_SECONDS = 30


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


def test_the_fold_of_a_batch_waits_while_too_much_is_to_be_indexed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_loop, "MOST_WAITING", 100)

    async def scenario() -> None:
        fed = Fed(tmp_path)
        await fed.feed.let_catch_up()  # no process is there to wait for
        async with running(fed):
            await fed.until_found(0)
            for n in range(101):
                fed.profiles.create(f"u{n}")
            assert fed.feed.lag.waiting == 101
            waiting = asyncio.create_task(fed.feed.let_catch_up())
            await asyncio.sleep(0)
            assert not waiting.done()

            fed.feed.wake()
            await asyncio.wait_for(waiting, _SECONDS)
            assert fed.feed.lag.waiting == 0
            await fed.until(lambda: fed.feed.lag.seconds == 0)
            for n in range(101):
                fed.profiles.create(f"v{n}")
        await fed.feed.let_catch_up()

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


def test_a_rebuild_holds_what_changed_meanwhile(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        ids = {n: fed.profiles.create(f"user {n}", plan="old") for n in range(2000)}
        async with running(fed):
            await fed.until(lambda: len(fed.generations()) == 1)
            for n in (1, 1001, 1999):
                fed.profiles.put(upserted(f"user {n}", plan="gold"))
                fed.forget(ids[n - 1], f"user {n - 1}")
            await fed.until_found(1997)
            await fed.until_dropped()
            assert await fed.feed.searches.count(ACCOUNT, OneOf(("plan",), ("gold",))) == 3

    asyncio.run(scenario())


def test_who_changes_while_an_erasure_builds_the_index_is_in_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_loop, "_AT_ONCE", 1)  # changes come before most are added

    async def scenario() -> None:
        fed = Fed(tmp_path)
        ada = fed.profiles.create("ada")
        for n in range(3000):
            fed.profiles.create(f"user {n}", plan="old")
        async with running(fed):
            await fed.until_found(3001)
            before = fed.generations()
            erasure = asyncio.create_task(fed.feed.erase({0: fed.forget(ada, "ada")}))
            await fed.until(lambda: fed.generations() > before)
            for n in range(3000):
                fed.profiles.put(upserted(f"user {n}", plan="gold"))
            fed.feed.wake()
            await asyncio.wait_for(erasure, _SECONDS)
            await fed.until_dropped()
            assert await fed.count() == 3000
            assert await fed.feed.searches.count(ACCOUNT, OneOf(("plan",), ("gold",))) == 3000

    asyncio.run(scenario())


def test_profiles_of_many_bytes_are_indexed(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        async with running(fed):
            await fed.until_found(0)
            for n in range(7):
                fed.profiles.create(f"user {n}", text="x" * 400_000)
            await fed.until_found(7)

    asyncio.run(scenario())


def test_tracked_events_are_found_by_how_often_they_happened(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        fed = Fed(tmp_path)
        fed.profiles.create("ada")
        fed.profiles.put(tracked("signed_up"))
        async with running(fed):
            await fed.until_found(1)
            return await fed.feed.searches.survey(ACCOUNT, PropertyNames.events)

    assert asyncio.run(scenario()) == ["signed_up"]


# --- the process that writes the index


async def lost(fed: Fed, failure: str) -> None:
    """Wait until it is reported that the process was lost in this way, and until another one has caught up."""
    await fed.until(lambda: any(failure in warning for warning in fed.feed.warnings))
    await fed.until(lambda: not fed.feed.warnings)


def test_a_killed_process_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        ada = fed.profiles.create("ada")
        async with running(fed):
            await fed.until_found(1)
            for n in range(3000):
                fed.profiles.create(f"user {n}")
            fed.feed.wake()
            await asyncio.sleep(0)
            (first,) = index_processes(os.getpid())
            os.kill(first, signal.SIGKILL)
            fed.forget(ada, "ada")
            assert await fed.count() is not None, "what was committed is still searched"
            await lost(fed, "has ended")
            await fed.until_found(3000)
            assert index_processes(os.getpid()) != [first]

    asyncio.run(scenario())


def test_a_process_that_is_killed_while_nothing_changes_is_replaced(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        async with running(fed):
            await fed.until_found(0)
            await fed.until_dropped()
            (first,) = index_processes(os.getpid())
            os.kill(first, signal.SIGKILL)

            async def is_replaced() -> bool:
                return index_processes(os.getpid()) not in ([first], [])

            await poll(is_replaced, lambda: None)  # nothing but its end wakes the feed

    asyncio.run(scenario())


def test_a_process_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_link, "ANSWER_SECONDS", 1.0)

    async def scenario() -> None:
        fed = Fed(tmp_path)
        async with running(fed):
            await fed.until_found(0)
            (first,) = index_processes(os.getpid())
            os.kill(first, signal.SIGSTOP)
            fed.profiles.create("ada")
            await lost(fed, "has not answered")
            await fed.until_found(1)
            assert first not in index_processes(os.getpid())

    asyncio.run(scenario())


def test_after_a_commit_that_failed_the_index_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_loop, "_RETRY_SECONDS", 1.0)

    async def scenario() -> None:
        fed = Fed(tmp_path)
        fed.profiles.create("ada")
        async with running(fed):
            await fed.until_found(1)
            (folder,) = fed.generations()
            segments = {path.name for path in tmp_path.glob("*/*.store")}
            shutil.copytree(tmp_path / folder, tmp_path / "kept" / folder)
            shutil.rmtree(tmp_path / folder)
            fed.profiles.create("bob")
            await fed.until(lambda: any("failed" in warning for warning in fed.feed.warnings))
            # Files that are whole again are not trusted: what of the commit is in them, nobody knows.
            (tmp_path / "kept" / folder).rename(tmp_path / folder)
            (tmp_path / "kept").rmdir()
            await fed.until(lambda: not fed.feed.warnings)
            await fed.until_found(2)
            assert segments.isdisjoint(path.name for path in tmp_path.glob("*/*.store"))

    asyncio.run(scenario())


def test_an_erasure_outlives_the_process_that_it_began_with(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        ada = fed.profiles.create("ada")
        for n in range(3000):
            fed.profiles.create(f"user {n}")
        async with running(fed):
            await fed.until_found(3001)
            before = fed.generations()
            gone = fed.forget(ada, "ada")
            erasure = asyncio.create_task(fed.feed.erase({0: gone}))
            await fed.until(lambda: fed.generations() > before)
            (process,) = index_processes(os.getpid())
            os.kill(process, signal.SIGKILL)
            await asyncio.wait_for(erasure, _SECONDS)
            assert fed.generations().isdisjoint(before)
            assert await fed.count() == 3000

    asyncio.run(scenario())


def test_a_feed_that_is_closed_leaves_no_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        fed = Fed(tmp_path)
        async with running(fed):
            await fed.until_found(0)
        assert index_processes(os.getpid()) == []

    asyncio.run(scenario())


def test_searches_that_stay_behind_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "WORTH_A_WARNING_SECONDS", 0.2)

    async def scenario() -> None:
        fed = Fed(tmp_path)
        async with running(fed):
            await fed.until_found(0)
            (process,) = index_processes(os.getpid())
            os.kill(process, signal.SIGSTOP)
            fed.profiles.create("ada")
            await fed.until(lambda: any("s behind" in warning for warning in fed.feed.warnings))
            os.kill(process, signal.SIGCONT)
            await fed.until_found(1)
            await fed.until_dropped()

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
