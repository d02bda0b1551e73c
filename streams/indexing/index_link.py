"""The service's end of the connection to the process that writes the search index."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from schemas.errors import ProfilelogError
from streams.child_process import has_ended, start_child
from streams.indexing import frames

ANSWER_SECONDS: Final = 15.0
"""For so long a process may work on one frame; one that takes longer is killed. A busy machine gives it a tenth."""

_LONG_SECONDS: Final = (
    300.0  # to check the files of an index, to commit a new one, or to wait for its merges
)
_LONG: Final = (frames.Open, frames.FinishRebuild, frames.AbandonRebuild, frames.RemoveOthers)
_MOST_UNANSWERED: Final = 1 << 20  # bytes; a single write is found behind what is sent already
_CHECK_SECONDS: Final = 0.5
_END_SECONDS: Final = 1.0


class IndexProcessLost(ProfilelogError):
    """The process that writes the search index ended, failed or hung: `failure` says which of them.

    Where `is_index_lost`, it failed of what it did to the index, which has to be built anew.
    """

    def __init__(self, failure: str, *, is_index_lost: bool = False) -> None:
        super().__init__(failure)
        self.failure = failure
        self.is_index_lost = is_index_lost


class _Unanswered(NamedTuple):
    """A request that was sent: its size in bytes, and for how many seconds the process may work on it."""

    answer: asyncio.Future[frames.Answer]
    size: int
    seconds: float


class IndexLink(asyncio.Protocol):
    """A process that writes the search index, and the requests that it has not answered; use `start`."""

    def __init__(self, process: subprocess.Popen[bytes], on_lost: Callable[[], None]) -> None:
        self._process = process
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._received = frames.Frames()
        self._unanswered: deque[_Unanswered] = deque()
        self._bytes = 0
        self._is_open = False  # the first request, which opens the index, is answered
        self._first_since = 0.0  # when the process could begin with the first of them
        self._lost: IndexProcessLost | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._check: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, on_lost: Callable[[], None]) -> "IndexLink":
        """Starts a process. `on_lost` is called when it is gone."""
        ours, process = _start_process()
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: cls(process, on_lost), sock=ours)
        return link

    @property
    def pid(self) -> int:
        return self._process.pid

    # ------------------------------------------------------------------ requests

    async def ask(self, request: frames.Request) -> frames.Answer:
        """The answer, behind those of all requests before. Raises `IndexProcessLost`."""
        return await self.send(request)

    def send(self, request: frames.Request) -> asyncio.Future[frames.Answer]:
        """Sends the request and waits for nothing; its answer, or `IndexProcessLost`, comes later.

        Raises `IndexProcessLost`.
        """
        self.check()
        assert self._transport is not None, "it was started"
        frame = frames.frame(request)
        if not self._unanswered:
            self._first_since = time.monotonic()
        seconds = _LONG_SECONDS if isinstance(request, _LONG) else ANSWER_SECONDS
        answer = self._loop.create_future()
        self._unanswered.append(_Unanswered(answer, len(frame), seconds))
        self._bytes += len(frame)
        self._transport.write(frame)
        return answer

    def abandon_rebuild(self) -> None:
        """Gives a rebuild up; the process, if it is gone, has done so."""
        if self._lost is None:
            self.send(frames.AbandonRebuild())

    async def make_room(self) -> None:
        """When too much is unanswered, waits until half of it is answered. Raises `IndexProcessLost`.

        What is read in one go costs half of what it costs in pieces, between which the caches are lost to others.
        """
        if self._bytes <= _MOST_UNANSWERED:
            return
        while self._bytes > _MOST_UNANSWERED // 2:
            await asyncio.wait({self._unanswered[0].answer})
            self.check()

    def check(self) -> None:
        """Raises `IndexProcessLost` when the process is gone."""
        if self._lost is not None:
            raise self._lost

    async def close(self) -> None:
        """Ends the process: what it has not committed is sent to the next one."""
        self._lose(IndexProcessLost("was closed"))
        if not await has_ended(self._process, _END_SECONDS):
            self._process.kill()
        await asyncio.to_thread(self._process.wait)

    # ------------------------------------------------------------------ for the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._check = self._loop.call_later(_CHECK_SECONDS, self._find_hung)

    def data_received(self, data: bytes) -> None:
        for message in self._received.feed(data):
            answer = frames.decode_answer(message)
            if answer.failed is not None:
                failure = f"failed ({answer.failed})"
                self._lose(IndexProcessLost(failure, is_index_lost=self._is_open))
                return
            self._is_open = True
            if self._unanswered:
                self._first_since = time.monotonic()
                done = self._unanswered.popleft()
                self._bytes -= done.size
                if not done.answer.done():
                    done.answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- the process's end says why
        self._lose(IndexProcessLost("has ended"))

    def _find_hung(self) -> None:
        waited = time.monotonic() - self._first_since
        if self._unanswered and waited > self._unanswered[0].seconds:
            self._lose(IndexProcessLost(f"has not answered for {waited:.0f} s"))
            self._process.kill()
            return
        self._check = self._loop.call_later(_CHECK_SECONDS, self._find_hung)

    def _lose(self, lost: IndexProcessLost) -> None:
        """The first reason stays."""
        if self._lost is not None:
            return
        self._lost = lost
        if self._check is not None:
            self._check.cancel()
        if self._transport is not None:
            self._transport.abort()
        for one in self._unanswered:
            if not one.answer.done():
                one.answer.set_exception(lost)
                one.answer.exception()  # perhaps nobody waits for it
        self._on_lost()


def _start_process() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process, and our end of its socket."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = start_child(
            [sys.executable, "-m", "streams.indexing.index_process", str(theirs.fileno())],
            signal_at_our_end=signal.SIGKILL,  # which ends one that is stopped, too
            pass_fds=(theirs.fileno(),),
        )
    ours.setblocking(False)
    return ours, process
