"""The search index on an event loop: written and asked without standing in anybody's way.

Threads: one writes, one is for costly searches, and two are for all others. Costly is a substring,
0.3 us for each distinct text; one of very many values, 6 us each; and a look at the properties, some
5 ns for each value. When too many wait for such a search the next is refused. tantivy lets go of the
interpreter's lock while it works.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import BoundedSemaphore
from typing import Final, TypeVar

from projections.search.documents import Entry
from projections.search.index import SearchIndex
from projections.search.lowering import is_costly
from projections.search.names import PropertyNames
from projections.search.pages import EVERYWHERE, Page, Window
from schemas.errors import Unavailable
from schemas.search.conditions import Condition

MAX_WAITING: Final = 16
"""Costly searches of one queue that wait or run; another one is answered 503."""

SLICE: Final = 10
"""Profiles that are read and made ready on the loop in one step: 0.6 ms."""

_REBUILD_CHUNK: Final = 200  # profiles written at once
_SEARCH_THREADS: Final = 2

_Answer = TypeVar("_Answer")


class SearchIndexer:
    """The asyncio side of a `SearchIndex`. `upsert` and `delete` are called on the loop directly."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = index
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="search-writer")
        self._searchers = ThreadPoolExecutor(_SEARCH_THREADS, thread_name_prefix="search")
        self._costly = _Queue("search-costly")

    async def write(self) -> None:
        """Write what is noted; no search shows it before a commit."""
        await self._write(self.index.write)

    async def commit(self) -> None:
        """Let searches show all changes that were made until now."""
        await self._write(self.index.commit)

    async def rebuild(
        self,
        ids: Iterable[str],
        read: Callable[[list[str]], list[Entry]],
        rest: Callable[[float], Awaitable[None]],
    ) -> None:
        """Build the index anew from all profiles, while searches and changes go on.

        `read` gives profiles as they are now, without those that are gone; it is called on the loop, so that
        no change comes between what it reads and what is noted. `ids` may be a snapshot of before:
        what comes later is a change. `rest` is told how long the loop was held, in seconds.
        """
        await self._write(self.index.begin_rebuild)
        try:
            for chunk in in_slices(ids, _REBUILD_CHUNK):
                for part in in_slices(chunk, SLICE):
                    began = time.monotonic()
                    self.index.add(read(part))
                    await rest(time.monotonic() - began)
                await self._write(self.index.write)
            await self._write(self.index.finish_rebuild)
        except BaseException:
            await self._write(self.index.abandon_rebuild)
            raise

    async def count(self, account: str, condition: Condition, window: Window = EVERYWHERE) -> int:
        """How many profiles of the account in the window meet the condition. Raises `Unavailable`."""
        return await self._search(condition, lambda: self.index.count(account, condition, window))

    async def page(self, account: str, condition: Condition, window: Window, limit: int) -> Page:
        """Like `SearchIndex.page`. Raises `Unavailable`."""
        return await self._search(
            condition, lambda: self.index.page(account, condition, window, limit)
        )

    async def survey(self, account: str, look: Callable[[PropertyNames], _Answer]) -> _Answer:
        """What `look` finds out, in a thread, about the account's properties. Raises `Unavailable`."""
        return await self._costly.run(lambda: look(self.index.names(account)))

    async def close(self) -> None:
        """Commit, and close the files."""
        await self.commit()
        await self._write(self.index.close)
        for threads in (self._writer, self._searchers, self._costly):
            threads.shutdown()

    async def _write(self, work: Callable[[], None]) -> None:
        # A task that is cancelled leaves its work to the one thread, which ends it before the next.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._writer, _tame, work))

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
        # When the work ends, not when its request does: a client that gives up frees no thread.
        done.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(done)

    def shutdown(self) -> None:
        self._thread.shutdown()


def _tame(work: Callable[[], None]) -> None:
    """Tantivy's panics are no Exceptions, and would end more than the task that meets them."""
    try:
        work()
    except Exception:
        raise
    except BaseException as panic:
        raise RuntimeError(f"the search index failed ({type(panic).__name__})") from None


def in_slices(ids: Iterable[str], count: int) -> Iterator[list[str]]:
    """The ids in lists of so many, the last of fewer."""
    rest = iter(ids)
    while part := list(islice(rest, count)):
        yield part
