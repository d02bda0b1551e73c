"""How far what follows from folds, publishing or indexing, is behind them: in records or profiles, and in seconds."""

import time
from collections import deque
from typing import Final, NamedTuple

WORTH_A_WARNING_SECONDS: Final = 60.0
_SAMPLE_SECONDS: Final = 0.5


class Lag(NamedTuple):
    """`waiting` is a number of records or of profiles, `seconds` for how long the first of them has waited."""

    waiting: int
    seconds: float


class LagClock:
    """For how long something has waited that comes in the order of offsets; to half a second, at 0.1 us each."""

    def __init__(self) -> None:
        # Offsets that were reached, and when the first one up to there was.
        self._samples: deque[tuple[int, float]] = deque()

    def reached(self, offset: int) -> None:
        """What follows from records up to the offset has begun to wait."""
        now = time.monotonic()
        samples = self._samples
        if samples and now - samples[-1][1] < _SAMPLE_SECONDS:
            now = samples.pop()[1]
        samples.append((offset, now))

    def seconds(self, left_below: int) -> float:
        """For how long the first has waited, when nothing below this offset waits any more."""
        samples = self._samples
        while samples and samples[0][0] < left_below:
            samples.popleft()
        return time.monotonic() - samples[0][1] if samples else 0.0
