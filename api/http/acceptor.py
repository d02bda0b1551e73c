"""Accepting connections, under any load (contract §2).

libuv accepts one connection in each turn of the loop, which under load is a few dozen a second, and where no descriptor
is left it resets all that wait. This one takes all that wait, and makes room.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from api.http.crowd import Crowd
from api.http.refusals import no_room

_AT_ONCE: Final = 128  # a turn of the loop takes 3 ms for them
_PAUSE_SECONDS: Final = 0.1
_LINGER_SECONDS: Final = 0.5
_DISCARDED: Final = 1 << 18  # bytes of the request of one that is refused
_NO_DESCRIPTOR: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Gives each connection of a listening socket a protocol.

    More than `most` are never open. With that many, each new one takes the place of one that `crowd` names.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        crowd: Crowd,
        most: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._make_protocol = make_protocol
        self._crowd = crowd
        self._most = most
        self._starting: set[asyncio.Task[None]] = set()
        self._reserve: int | None = _open_reserve()
        self._resuming: asyncio.TimerHandle | None = None
        # A tenth of the descriptors that connections may not take.
        self._refused: deque[socket.socket] = deque(maxlen=1 + most // 30)
        listener.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept no more."""
        self._pause()
        if self._resuming is not None:
            self._resuming.cancel()
        if self._reserve is not None:
            os.close(self._reserve)
        while self._refused:
            _hang_up(self._refused.pop())

    def _resume(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept_waiting)

    def _pause(self) -> None:
        self._loop.remove_reader(self._listener.fileno())

    async def wait_closed(self) -> None:
        """Wait until the connections that were accepted have their protocol."""
        await asyncio.gather(*self._starting, return_exceptions=True)

    def _accept_waiting(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in _NO_DESCRIPTOR:
                    raise
                # The descriptor is free in the next turn, which asks again.
                if not self._crowd.make_room():
                    self._refuse_one()
                return
            if self._crowd.open >= self._most and not self._crowd.make_room():
                self._refuse(client)
            else:
                self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        self._crowd.open += 1
        task = self._loop.create_task(self._connect(client))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _connect(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, client)
        except OSError:  # it is gone already
            self._crowd.open -= 1
            client.close()

    def _refuse(self, client: socket.socket) -> None:
        """Answer, and close a little later: closing a socket with unread bytes is a reset, which takes the answer."""
        if len(self._refused) == self._refused.maxlen:
            _hang_up(self._refused.popleft())
        self._refused.append(_answer(client))
        self._loop.call_later(_LINGER_SECONDS, self._hang_up, client)

    def _hang_up(self, client: socket.socket) -> None:
        if client in self._refused:
            self._refused.remove(client)
            _hang_up(client)

    def _refuse_one(self) -> None:
        """With the descriptor that is kept for this: one that waits without an answer would keep the loop busy."""
        if self._reserve is not None:
            os.close(self._reserve)
            with contextlib.suppress(OSError):
                _hang_up(_answer(self._listener.accept()[0]))
        try:
            self._reserve = _open_reserve()
        except OSError:  # a thread was faster
            self._reserve = None
            self._pause()
            self._resuming = self._loop.call_later(_PAUSE_SECONDS, self._resume)


def _open_reserve() -> int:
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _answer(client: socket.socket) -> socket.socket:
    with contextlib.suppress(OSError):
        client.setblocking(False)
        client.send(no_room().encode())
        client.shutdown(socket.SHUT_WR)
    return client


def _hang_up(client: socket.socket) -> None:
    with client, contextlib.suppress(OSError):
        client.recv(_DISCARDED)
