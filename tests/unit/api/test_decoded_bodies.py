"""Decoded bodies of single requests are held a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api.limits.decoded_bodies import LANE_BYTES, PASSING, Handling
from schemas.errors import Unavailable

SHORT = 1 << 16


class Requests:
    """Requests that hold their room until `end`."""

    def __init__(self, wait_seconds: float = 60) -> None:
        self.handling = Handling(wait_seconds)
        self.entered: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def begin(self, name: str, size: int) -> "asyncio.Task[None]":
        end = self._ends[name] = asyncio.Event()

        async def request() -> None:
            await self.handling.enter(size)
            self.entered.append(name)
            await end.wait()

        task = asyncio.ensure_future(request())
        await turns()
        return task

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await turns()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(story: Callable[[Requests], Awaitable[None]], wait_seconds: float = 60) -> None:
    async def told() -> None:
        await story(Requests(wait_seconds))

    asyncio.run(told())


def test_a_large_body_waits_until_those_before_it_are_answered() -> None:
    async def story(requests: Requests) -> None:
        await requests.begin("first", LANE_BYTES // 2)
        await requests.begin("second", LANE_BYTES // 2)
        await requests.begin("third", LANE_BYTES // 2)
        await requests.begin("fourth", SHORT + 1)
        assert requests.entered == ["first", "second"]
        await requests.end("second")
        assert requests.entered == ["first", "second", "third"]
        await requests.end("first")
        assert requests.entered == ["first", "second", "third", "fourth"]

    run(story)


def test_short_bodies_do_not_wait_for_large_ones() -> None:
    async def story(requests: Requests) -> None:
        await requests.begin("large", LANE_BYTES)
        await requests.begin("another", LANE_BYTES)
        await requests.begin("short", SHORT)
        assert requests.entered == ["large", "short"]
        for number in range(2 * LANE_BYTES // PASSING):
            await requests.begin(f"{number}", PASSING)
        assert len(requests.entered) == 2 + 2 * LANE_BYTES // PASSING

    run(story)


def test_a_body_larger_than_its_lane_is_handled_alone() -> None:
    async def story(requests: Requests) -> None:
        await requests.begin("huge", 10 * LANE_BYTES)
        await requests.begin("large", LANE_BYTES)
        assert requests.entered == ["huge"]
        await requests.end("huge")
        assert requests.entered == ["huge", "large"]

    run(story)


def test_who_waits_too_long_is_told_to_come_again() -> None:
    async def story(requests: Requests) -> None:
        await requests.begin("first", LANE_BYTES)
        refused = await requests.begin("second", LANE_BYTES)
        with pytest.raises(Unavailable) as error:
            await refused
        assert error.value.retry_after > 0
        await requests.end("first")
        await requests.begin("third", LANE_BYTES)
        assert requests.entered == ["first", "third"]

    run(story, wait_seconds=0.01)


@pytest.mark.parametrize("turn_came", [False, True])
def test_who_is_cancelled_while_waiting_leaves_the_room_to_others(turn_came: bool) -> None:
    async def story(requests: Requests) -> None:
        first = await requests.begin("first", LANE_BYTES)
        cancelled = await requests.begin("second", LANE_BYTES)
        if turn_came:
            first.cancel()
            # It ends in one turn of the loop, and gives its room in the next.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        cancelled.cancel()
        await turns()
        assert cancelled.cancelled()
        first.cancel()
        await requests.begin("third", LANE_BYTES)
        assert requests.entered[-1] == "third"

    run(story)


def test_room_that_is_no_longer_needed_is_given_back_once() -> None:
    async def story(requests: Requests) -> None:
        left = asyncio.Event()

        async def stream() -> None:
            await requests.handling.enter(LANE_BYTES)
            requests.handling.leave()
            left.set()
            await asyncio.Event().wait()

        streaming = asyncio.ensure_future(stream())
        await left.wait()
        await requests.begin("first", LANE_BYTES)
        streaming.cancel()
        await turns()
        await requests.begin("second", LANE_BYTES)
        assert requests.entered == ["first"]

    run(story)
