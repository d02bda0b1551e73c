"""What a schedule is made of: steps, and what their numbers choose from."""

from typing import NamedTuple

from tests.faults.cast import EVENTS, SOURCES, TOPICS, Source
from tests.faults.clients import Kind

WRITES: tuple[Kind, ...] = (
    "by uid", "by uid", "by uid", "by id", "by email", "clear", "forget", "forget", "track by uid", "track by id",
)  # fmt: skip
PLACES = (
    *SOURCES,
    *EVENTS,  # again: what is cleaned of events matters most
    *(Source(TOPICS.profiles, source.partition) for source in EVENTS),
    *(Source(TOPICS.progress, TOPICS.progress_partition(*source)) for source in SOURCES),
)


def some(number: int) -> int | None:
    """How many awaits a relay gets; None: as many as it needs."""
    return 1 + number // 3 % 14 if number % 3 else None


class Step(NamedTuple):
    """What happens next; see the method of `World` with this name."""

    kind: str
    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
