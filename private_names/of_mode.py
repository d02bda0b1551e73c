# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# mode is annotated in part.
"""The private names of mode, the services of which Faust consists."""

from collections.abc import Callable
from typing import Any, Final

from private_names.checked import Library

MODE: Final = Library("mode-streaming", "0.7.1")

with MODE.importing():
    from mode.services import Service
    from mode.threads import QueueServiceThread, ServiceThread
    from mode.utils.futures import maybe_async

MODE.check_names(
    {
        Service: (
            "_default_start",
            "_default_stop_children",
            "_default_stop_futures",
            "_shutdown",
            "_started",
            "_stopped",
        ),
        ServiceThread: ("_thread_started", "on_thread_stop"),
        QueueServiceThread: ("call_thread", "cast_thread"),
    }
)
MODE.check_parameters(
    {
        QueueServiceThread.call_thread: ("fun", "args", "kwargs"),
        QueueServiceThread.cast_thread: ("fun", "args", "kwargs"),
    }
)


class ThreadlessService(QueueServiceThread):
    """A "thread" of mode that runs on the loop that makes it: `thread_loop` has to be that one."""

    abstract = True

    async def start(self) -> None:
        self._thread_started.set()
        await self._default_start()

    async def stop(self) -> None:
        if self._started.is_set() and not self._stopped.is_set():
            self._stopped.set()
            await self.on_thread_stop()
            await self._default_stop_children()
            self._shutdown.set()
            await self._default_stop_futures()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def cast_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        await maybe_async(fun(*args, **kwargs))
