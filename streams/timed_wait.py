"""The one way to wait for an event with a time-out."""

import asyncio
import contextlib


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits until the event is set, at most so many seconds; returns whether it is set.

    Not `asyncio.wait_for`: in Python 3.11 it loses a cancellation that comes together with the result.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
