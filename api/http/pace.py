"""How fast a body arrives (contract §2)."""

from collections import deque


class Pace:
    """What had arrived at each of the last sweeps, a second apart, over at most `seconds`.

    A body has to move by `rate` bytes a second on average over any such time.
    """

    __slots__ = ("_least", "_rate", "_samples", "stands")

    def __init__(self, seconds: float, rate: int) -> None:
        self._samples: deque[int] = deque(maxlen=max(1, int(seconds)))
        self._rate = rate
        self._least = seconds * rate
        self.stands = False
        """Whether it moved by less than the rate since the last sweep."""

    def is_too_slow(self, total: int) -> bool:
        """Whether it is, now that `total` bytes have arrived."""
        samples = self._samples
        self.stands = bool(samples) and total - samples[-1] < self._rate
        slow = len(samples) == samples.maxlen and total - samples[0] < self._least
        samples.append(total)
        return slow
