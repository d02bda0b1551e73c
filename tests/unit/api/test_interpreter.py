"""Memory is given back after large requests, and after what they have left to do."""

import asyncio

import pytest

from api import interpreter
from api.interpreter import MemoryReturn


def test_memory_is_given_back_several_times_after_the_last_large_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter, "_TRIM_AFTER_SECONDS", (0, 0, 0))
    given_back: list[int] = []
    times = asyncio.Semaphore(0)

    async def story() -> None:
        loop = asyncio.get_running_loop()

        def trim(kept: int) -> None:
            given_back.append(kept)
            loop.call_soon_threadsafe(times.release)

        memory = MemoryReturn(trim)
        memory.schedule()
        memory.schedule()  # begins anew
        for _ in range(3):
            async with asyncio.timeout(10):
                await times.acquire()

    asyncio.run(story())

    assert given_back == [0, 0, 0]
