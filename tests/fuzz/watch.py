"""Asks /health all the time, beside whatever else is asked."""

import http.client
import threading
import time
from typing import Final, Self
from urllib.parse import urlsplit

_PAUSE_SECONDS: Final = 0.005
_TIMEOUT_SECONDS: Final = 60.0
_IDLE_ANSWERS: Final = 40


class HealthWatch:
    """A thread that asks /health and notes how long each answer took; use it as a context manager."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._stop = threading.Event()
        self._condition = threading.Condition()
        self._worst = 0.0
        self._asked = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def begin(self) -> None:
        """What was slow before counts no more."""
        with self._condition:
            self._worst = 0.0

    def worst(self, answers: int = 2) -> float:
        """The longest that an answer took since `begin`, in seconds, once so many more have come.

        Two at least: one may be on its way already.
        """
        with self._condition:
            last = self._asked + answers
            answered = self._condition.wait_for(lambda: self._asked >= last, _TIMEOUT_SECONDS)
            return self._worst if answered else _TIMEOUT_SECONDS

    def idle(self) -> float:
        """How long /health takes at most while nothing else is asked: what the machine itself makes it wait."""
        self.begin()
        return self.worst(_IDLE_ANSWERS)

    def _watch(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_SECONDS)
        while not self._stop.wait(_PAUSE_SECONDS):
            began = time.monotonic()
            try:
                connection.request("GET", "/health")
                answer = connection.getresponse()
                answer.read()
                took = time.monotonic() - began if answer.status == 200 else _TIMEOUT_SECONDS
            except (OSError, http.client.HTTPException):
                connection.close()
                took = time.monotonic() - began
            with self._condition:
                self._worst = max(self._worst, took)
                self._asked += 1
                self._condition.notify_all()
        connection.close()
