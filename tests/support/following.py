"""A consumer of server-sent events, as a browser's EventSource is one (contract §13)."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

from tests.support.service import Account, eventually

CHANGES: Final = "/v3/observe/changes"
_CONNECT_SECONDS: Final = 60
_RECEIVE_BYTES: Final = 64 << 10


@dataclass(frozen=True)
class Event:
    """One event: `id` is where to resume that has seen it."""

    type: str
    id: str
    data: Any


class Refused(Exception):
    """A stream was not opened: the answer has this status."""


class Following:
    """An open stream of an account; its events come into `events` by a thread, as long as the block lasts."""

    def __init__(
        self, account: Account, headers: Mapping[str, str] | None = None, **parameters: str
    ) -> None:
        url = urlsplit(str(account.http.base_url))
        self._connection = HTTPConnection(url.hostname or "", url.port, timeout=_CONNECT_SECONDS)
        self._path = f"{CHANGES}?{urlencode(parameters)}"
        self._headers = {"X-Account-Secret": account.secret, **(headers or {})}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.status = 0
        self.events: list[Event] = []
        self.comments = 0
        self.last_id: str | None = None
        self._go_on = threading.Event()
        self._go_on.set()

    def __enter__(self) -> Self:
        self._connection.connect()
        # Little is on its way to a consumer that hangs.
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        self._connection.request("GET", self._path, headers=self._headers)
        self._response = self._connection.getresponse()
        if self._response.status != 200:
            self._connection.close()
            raise Refused(self._response.status)
        self._thread.start()
        eventually(lambda: self.comments)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go without a word."""
        self._go_on.set()
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):  # the service may have been faster
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._response.close()
        self._connection.close()

    def pause(self) -> None:
        """Take nothing any more, like a consumer that hangs."""
        self._go_on.clear()

    def go_on(self) -> None:
        self._go_on.set()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def until(self, seen: Callable[[list[Event]], object], *, seconds: float = 30.0) -> list[Event]:
        """The events so far, once `seen` says that they are those to wait for."""
        eventually(lambda: seen(self.events), seconds=seconds)
        return self.events

    def _read(self) -> None:
        fields: dict[str, str] = {}
        for line in self._lines():
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                self.last_id = fields.get("id", self.last_id)
                if "data" in fields and self.last_id is not None:
                    data = json.loads(fields["data"])
                    self.events.append(Event(fields.get("event", "message"), self.last_id, data))
                fields = {}

    def _lines(self) -> Iterator[str]:
        try:
            while self._go_on.wait() and (line := self._response.readline()):
                yield line.decode().rstrip("\n")
        except (OSError, HTTPException, ValueError):
            return  # closed here, or the service was killed
