"""The search index on an event loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from projections.search.documents import Entry
from projections.search.generation import Generation
from projections.search.indexer import MAX_WAITING, SearchIndexer
from projections.search.names import PropertyNames
from projections.search.pages import Window
from schemas.errors import Unavailable
from schemas.search.conditions import EVERYBODY, Contains, OneOf
from tests.support.searching import complete_index, profile

A, B, C = ("a" * 24, "b" * 24, "c" * 24)
SUBSTRING = Contains(("plan",), "ol", ignore_case=False)


@asynccontextmanager
async def indexer(root: Path) -> AsyncGenerator[SearchIndexer]:
    search = SearchIndexer(complete_index(root))
    yield search
    await search.close()


class Held:
    """A look at the properties, which shares its thread with substrings, and goes on until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def __call__(self, _: PropertyNames) -> None:
        assert self.let.wait(30)


def test_what_is_written_is_found_after_a_commit(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        async with indexer(tmp_path) as search:
            search.index.upsert(profile(A))
            await search.write()
            before = await search.count("account", EVERYBODY)
            await search.commit()
            return [before, await search.count("account", EVERYBODY)]

    assert asyncio.run(scenario()) == [0, 1]


class Panic(BaseException):
    """What tantivy raises when it gives up."""


def test_a_panic_ends_no_more_than_what_met_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(_: Generation) -> None:
        raise Panic

    async def scenario() -> bool:
        async with indexer(tmp_path) as search:
            with monkeypatch.context() as patch:
                patch.setattr(Generation, "commit", give_up)
                with pytest.raises(RuntimeError, match="Panic"):
                    await search.commit()
            return search.index.is_complete

    assert asyncio.run(scenario()) is False


def test_a_rebuild_reads_profiles_as_they_are_while_changes_go_on(tmp_path: Path) -> None:
    stored = {f"{n:024x}": profile(f"{n:024x}", plan="old") for n in range(1000)}

    async def scenario() -> tuple[int, int, int]:
        async with indexer(tmp_path) as search:

            def read(ids: list[str]) -> list[Entry]:
                if f"{300:024x}" in ids:  # in the middle, users change and go
                    for n in (1, 299, 300, 999):
                        stored[f"{n:024x}"] = profile(f"{n:024x}", plan="gold")
                        search.index.upsert(stored[f"{n:024x}"])
                    for n in (2, 998):
                        del stored[f"{n:024x}"]
                        search.index.delete(f"{n:024x}")
                return [stored[id_] for id_ in ids if id_ in stored]

            await search.rebuild(list(stored), read, asyncio.sleep)
            return (
                await search.count("account", EVERYBODY),
                await search.count("account", OneOf(("plan",), ("gold",))),
                await search.count("account", SUBSTRING),
            )

    assert asyncio.run(scenario()) == (998, 4, 998)


def test_a_rebuild_that_fails_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    def read(ids: list[str]) -> list[Entry]:
        raise RuntimeError(ids)

    async def scenario() -> list[str]:
        async with indexer(tmp_path) as search:
            search.index.upsert(profile(A))
            await search.commit()
            with pytest.raises(RuntimeError):
                await search.rebuild([B], read, asyncio.sleep)
            return (await search.page("account", EVERYBODY, Window(), 9)).ids

    assert asyncio.run(scenario()) == [A]


def test_costly_searches_hold_up_no_other_and_are_refused_when_too_many(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[int, list[int]]:
        held = Held()
        async with indexer(tmp_path) as search:
            search.index.upsert(profile(A, plan="gold"))
            await search.commit()
            first = asyncio.create_task(search.survey("account", held))
            await asyncio.sleep(0)
            waiting = [
                asyncio.create_task(search.count("account", SUBSTRING))
                for _ in range(MAX_WAITING - 1)
            ]
            await asyncio.sleep(0)
            for costly in (SUBSTRING, OneOf(("plan",), tuple(map(str, range(1001))))):
                with pytest.raises(Unavailable):
                    await search.count("account", costly)
            meanwhile = await search.count("account", EVERYBODY)
            held.let.set()
            await first
            return meanwhile, await asyncio.gather(*waiting)

    assert asyncio.run(scenario()) == (1, [1] * (MAX_WAITING - 1))


def test_a_costly_search_whose_request_is_gone_keeps_its_room_until_it_ends(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        held = Held()
        async with indexer(tmp_path) as search:
            searches = [
                asyncio.create_task(search.survey("account", held)) for _ in range(MAX_WAITING)
            ]
            await asyncio.sleep(0)
            searches[0].cancel()
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await search.count("account", SUBSTRING)
            held.let.set()
            await asyncio.gather(*searches[1:])
            assert await search.count("account", SUBSTRING) == 0

    asyncio.run(scenario())
