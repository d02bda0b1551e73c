"""Long work on the event loop (`api.commands.pacing`)."""

import asyncio
from collections.abc import Iterator

import pytest

from api.commands.pacing import paced
from api.limits.turns import MAX_WAITING, Turns
from schemas.errors import Unavailable


def test_others_run_between_the_slices_of_long_work() -> None:
    others: list[int] = []

    async def work() -> list[int]:
        loop = asyncio.get_running_loop()

        def numbers() -> Iterator[int]:
            for n in range(3):
                until = loop.time() + 0.003  # longer than a slice
                while loop.time() < until:
                    pass
                loop.call_soon(others.append, n)
                yield n

        return [len(others) async for _ in paced(numbers())]

    assert asyncio.run(work()) == [0, 1, 2]


def test_one_has_its_turn_and_too_many_are_refused() -> None:
    having: list[int] = []

    async def ask(turns: Turns, number: int) -> None:
        async with turns.turn():
            assert not having
            having.append(number)
            await asyncio.sleep(0)
            having.remove(number)

    async def work() -> list[BaseException | None]:
        turns = Turns()
        first = [ask(turns, number) for number in range(MAX_WAITING + 2)]
        answers = await asyncio.gather(*first, return_exceptions=True)
        await ask(turns, 0)
        return answers

    answers = asyncio.run(work())

    assert answers[:MAX_WAITING] == [None] * MAX_WAITING
    assert [type(answer) for answer in answers[MAX_WAITING:]] == [Unavailable, Unavailable]


def test_a_turn_is_given_back_when_its_work_fails() -> None:
    async def work() -> None:
        turns = Turns()
        for _ in range(MAX_WAITING + 1):
            with pytest.raises(ValueError, match="broken"):
                async with turns.turn():
                    raise ValueError("broken")

    asyncio.run(work())
