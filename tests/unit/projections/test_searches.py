"""Searches on an event loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from projections.search.names import PropertyNames
from projections.search.searches import MAX_WAITING, Searches
from projections.search.view import View
from schemas.errors import Unavailable
from schemas.search.conditions import EVERYBODY, Contains, OneOf
from tests.support.searching import LocalIndex, complete_index, profile, upsert

A = "a" * 24
SUBSTRING = Contains(("plan",), "ol", ignore_case=False)


@asynccontextmanager
async def searches(index: LocalIndex) -> AsyncGenerator[Searches]:
    yield (search := Searches(index))
    search.close()


class Held:
    """A look at the properties, which shares its thread with substrings, and goes on until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def __call__(self, _: PropertyNames) -> None:
        assert self.let.wait(30)


def test_what_is_committed_is_found_after_a_reload(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        async with searches(index := complete_index(tmp_path)) as search:
            index.writer.upsert(profile(A))
            index.writer.commit()
            before = await search.count("account", EVERYBODY)
            await search.reload()
            return [before, await search.count("account", EVERYBODY)]

    assert asyncio.run(scenario()) == [0, 1]


class Panic(BaseException):
    """What tantivy raises when it gives up."""


def test_a_panic_ends_no_more_than_what_met_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(_: View) -> None:
        raise Panic

    async def scenario() -> int:
        async with searches(complete_index(tmp_path)) as search:
            with monkeypatch.context() as patch:
                patch.setattr(View, "reload", give_up)
                with pytest.raises(RuntimeError, match="Panic"):
                    await search.reload()
            return await search.count("account", EVERYBODY)

    assert asyncio.run(scenario()) == 0


def test_costly_searches_hold_up_no_other_and_are_refused_when_too_many(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[int, list[int]]:
        held = Held()
        async with searches(index := complete_index(tmp_path)) as search:
            upsert(index, [profile(A, plan="gold")])
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
        async with searches(complete_index(tmp_path)) as search:
            looks = [
                asyncio.create_task(search.survey("account", held)) for _ in range(MAX_WAITING)
            ]
            await asyncio.sleep(0)
            looks[0].cancel()
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await search.count("account", SUBSTRING)
            held.let.set()
            await asyncio.gather(*looks[1:])
            assert await search.count("account", SUBSTRING) == 0

    asyncio.run(scenario())
