"""An event loop that goes on only when told, so that a coroutine can be cut at each of its awaits.

No clock, no selector, no threads: what runs next is the next callback, and nothing happens between two of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

_T = TypeVar("_T")


class _Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def pause() -> None:
    """A place where the coroutine may be cut, or others go first."""
    await _Pause()


class Stuck(Exception):
    """Nothing is left to run, but the coroutine has not ended."""


class HandLoop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks and `asyncio.gather` need."""

    def __init__(self) -> None:
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...], Context]] = deque()
        self.tasks: list[asyncio.Task[Any]] = []

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        self._ready.append((callback, args, context))
        return asyncio.Handle(callback, args, self, context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A task of an activity that was thrown away had failed: nobody wants to know."""

    def tick(self) -> bool:
        """Run one callback; False when there is none."""
        if not self._ready:
            return False
        callback, args, context = self._ready.popleft()
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            context.run(callback, *args)
        finally:
            asyncio._set_running_loop(outer)
        return True


class Activity:
    """A coroutine under way, with the tasks that it has started."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._loop: Final = HandLoop()
        self._task: Final = self._loop.create_task(coroutine)

    def advance(self, ticks: int | None = None) -> bool:
        """Run at most so many callbacks, or to the end; True when the coroutine has ended."""
        while not self._task.done() and ticks != 0:
            if not self._loop.tick():
                raise Stuck(repr(self._task.get_coro()))
            if ticks is not None:
                ticks -= 1
        return self._task.done()

    def result(self) -> Any:
        """What the coroutine returned; raises what it raised. Tasks that it left behind are thrown away."""
        self.abandon()
        return self._task.result()

    def abandon(self) -> None:
        """The process dies: nothing goes on."""
        for task in self._loop.tasks:
            task.cancel()
        while self._loop.tick():
            pass


def complete(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end."""
    activity = Activity(coroutine)
    activity.advance()
    return activity.result()
