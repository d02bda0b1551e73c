"""What goes first on the event loop: requests, before the work that no request waits for."""

import time
from typing import Final

LIVE_SECONDS: Final = 0.1
"""For so long after a request more of them are expected."""


class Pace:
    """Shared by what serves requests and by what works behind them."""

    def __init__(self) -> None:
        self._last = 0.0

    def requested(self) -> None:
        """A request came."""
        self._last = time.monotonic()

    @property
    def is_live(self) -> bool:
        """Whether requests are being served."""
        return time.monotonic() - self._last < LIVE_SECONDS

    def rest(self, worked: float) -> float:
        """How long work that took so long leaves the loop to others, in seconds."""
        return worked if self.is_live else 0.0
