"""Waiting for an event with a time-out."""

import asyncio

import pytest

from streams.timed_wait import set_within


@pytest.mark.parametrize("is_set", [True, False])
def test_a_wait_says_whether_the_event_came(is_set: bool) -> None:
    async def scenario() -> bool:
        event = asyncio.Event()
        if is_set:
            asyncio.get_running_loop().call_soon(event.set)
        return await set_within(event, 10 if is_set else 0.001)

    assert asyncio.run(scenario()) is is_set
