"""Searches on an event loop, without standing in anybody's way.

Threads: one opens files, one is for costly searches, and two are for all others. Costly is a substring,
0.3 us for each distinct text; one of very many values, 6 us each; and a survey of the properties, some
5 ns for each value. When too many wait for such a search the next is refused. tantivy lets go of the
interpreter's lock while it works.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final, TypeVar

from projections.search.lowering import is_costly
from projections.search.names import PropertyNames
from projections.search.pages import EVERYWHERE, Page, Window
from projections.search.reader import IndexReader
from schemas.errors import Unavailable
from schemas.search.conditions import Condition

MAX_WAITING: Final = 16
"""Costly searches of one queue that wait or run; another one is answered 503."""

_SEARCH_THREADS: Final = 2

_Answer = TypeVar("_Answer")


class Searches:
    """The asyncio side of an `IndexReader`."""

    def __init__(self, reader: IndexReader) -> None:
        self.reader = reader
        self._reloader = ThreadPoolExecutor(1, thread_name_prefix="search-reloader")
        self._searchers = ThreadPoolExecutor(_SEARCH_THREADS, thread_name_prefix="search")
        self._costly = _Queue("search-costly")

    async def use(self, generation: int) -> None:
        """Search this generation from now on."""
        await self._in_thread(lambda: self.reader.use(generation))

    async def reload(self) -> None:
        """Show what has been committed until now."""
        await self._in_thread(self.reader.reload)

    async def count(self, account: str, condition: Condition, window: Window = EVERYWHERE) -> int:
        """How many profiles of the account in the window meet the condition. Raises `Unavailable`."""
        return await self._search(condition, lambda: self.reader.count(account, condition, window))

    async def page(self, account: str, condition: Condition, window: Window, limit: int) -> Page:
        """Like `IndexReader.page`. Raises `Unavailable`."""
        return await self._search(
            condition, lambda: self.reader.page(account, condition, window, limit)
        )

    async def survey(self, account: str, look: Callable[[PropertyNames], _Answer]) -> _Answer:
        """What `look` finds out, in a thread, about the account's properties. Raises `Unavailable`."""
        return await self._costly.run(lambda: look(self.reader.names(account)))

    def close(self) -> None:
        """Answer no search any more; those that run are left to their threads."""
        self.reader.close()
        for threads in (self._reloader, self._searchers, self._costly):
            threads.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._reloader, _tame, work)

    async def _search(self, condition: Condition, work: Callable[[], _Answer]) -> _Answer:
        if is_costly(condition):
            return await self._costly.run(work)
        return await asyncio.get_running_loop().run_in_executor(self._searchers, work)


class _Queue:
    """A thread for work that may take a second: one after the other."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._room = BoundedSemaphore(MAX_WAITING)

    async def run(self, work: Callable[[], _Answer]) -> _Answer:
        """What `work` returns. Raises `Unavailable` when too much is waiting."""
        if not self._room.acquire(blocking=False):
            raise Unavailable("Too many costly searches at once: try again", retry_after=5)
        done = self._thread.submit(work)
        # When the work ends, not when its request does: a client that disconnects frees no thread.
        done.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(done)

    def shutdown(self, *, wait: bool) -> None:
        self._thread.shutdown(wait)


def _tame(work: Callable[[], None]) -> None:
    """Tantivy's panics are no Exceptions, and would end more than the task that meets them."""
    try:
        work()
    except Exception:
        raise
    except BaseException as panic:
        raise RuntimeError(f"the search index failed ({type(panic).__name__})") from None
