"""What a process has handed to the network."""

from collections import deque

from tests.support.memory_log import MemoryLog


class Lane:
    """Appends of one process to one partition: they arrive in order, or not at all."""

    def __init__(self, log: MemoryLog, topic: str, partition: int) -> None:
        self.tp = (topic, partition)
        self.waiting: deque[tuple[bytes, bytes | None]] = deque()
        self._log = log
        self._landed = 0
        self._put = 0

    def put(self, key: bytes, value: bytes | None) -> int:
        """Hand a record to the network; returns its number in the lane."""
        self.waiting.append((key, value))
        self._put += 1
        return self._put

    def drop(self) -> None:
        """The record that was put last never arrives."""
        self.waiting.pop()
        self._put -= 1

    def land(self, number: int | None = None) -> int:
        """Let arrive what was put up to the number, or the next one; returns the last offset."""
        offset = -1
        number = self._landed + 1 if number is None else number
        while self._landed < number and self.waiting:
            offset = self._log.append(*self.tp, *self.waiting.popleft())
            self._landed += 1
        return offset
