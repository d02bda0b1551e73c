"""What a connection may cost (contract §2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of every connection. Times are in seconds, and hold to within two."""

    head_bytes: int = 64 << 10
    """A request line and its headers together, also chunk extensions and trailers."""
    path_bytes: int = 4 << 10
    """A path without its query: Litestar remembers the routes of the last 1,024 paths."""
    head_seconds: float = 10
    """From the first byte of a request to the end of its headers."""
    body_seconds: float = 30
    """A body has to move by `body_rate` on average over any such time."""
    body_rate: int = 1024
    """Bytes a second."""
    idle_seconds: float = 60
    """Without a request."""
    answer_seconds: float = 60
    """In which the client takes nothing of an answer."""
    drain_seconds: float = 5
    """In which the rest of a request is discarded whose answer has left."""
    drain_bytes: int = 32 << 20
    """How much of it is discarded at most."""
