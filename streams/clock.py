"""The server's time."""

import time


def now() -> int:
    """In unix milliseconds."""
    return time.time_ns() // 1_000_000
