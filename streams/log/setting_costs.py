"""What a setting of a topic that Kafka does not give costs, and whether the service can start without it."""

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.errors import OperatorError

log = logging.getLogger(__name__)


class Difference(NamedTuple):
    """A setting of a topic that is not what it has to be; `found` is None where Kafka does not return it."""

    topic: str
    name: str
    found: str | None
    wanted: str

    def __str__(self) -> str:
        return f"{self.topic} has {self.name}={self.found} instead of {self.wanted}"


class Refused(NamedTuple):
    """A difference that Kafka did not let the service put right, and Kafka's reason."""

    difference: Difference
    reason: str


class Cost(NamedTuple):
    """`matters` is "less" or "more" where only such a value costs something; with `stops` no service starts."""

    words: str
    stops: bool = False
    matters: str = "any"


_LATER: Final = "erasures take longer, and receipts become overdue"
COSTS: Final = {
    "cleanup.policy": Cost("Kafka would delete profiles that nobody has erased", stops=True),
    "delete.retention.ms": Cost(
        "a node that was away could miss an erasure, and show the user again",
        stops=True,
        matters="less",
    ),
    "max.message.bytes": Cost(
        "Kafka would refuse large profiles for good", stops=True, matters="less"
    ),
    "message.timestamp.type": Cost(
        "a node whose clock is wrong may not see that its state is too old to have all erasures"
    ),
    "segment.ms": Cost(_LATER, matters="more"),
    "max.compaction.lag.ms": Cost(_LATER, matters="more"),
    "min.compaction.lag.ms": Cost(_LATER, matters="more"),
    "file.delete.delay.ms": Cost("erasures wait twice as long for it", matters="more"),
    "min.cleanable.dirty.ratio": Cost("Kafka rewrites the log more often, or keeps more of it"),
}


def weigh(refused: Sequence[Refused]) -> None:
    """Report in the log what each setting costs that stays as it is.

    Raises `OperatorError` that names those without which the service would lose or show what it must not.
    """
    costly = [each for each in refused if _costs(each.difference)]
    stopping = [each for each in costly if COSTS[each.difference.name].stops]
    if stopping:
        raise OperatorError(
            f"{'; '.join(map(_told, stopping))}. The service does not start like this: give the topics these "
            "settings (docs/operating.md)"
        )
    for each in costly:
        log.warning("%s", _told(each))


def _costs(difference: Difference) -> bool:
    cost = COSTS[difference.name]
    if difference.found is None:  # some hosted Kafkas keep it to themselves
        return not cost.stops
    if cost.matters == "any":
        return True
    more = int(difference.found) > int(difference.wanted)
    return more == (cost.matters == "more")


def _told(refused: Refused) -> str:
    difference, reason = refused
    return f"{difference}, and Kafka does not let it be changed ({reason}): {COSTS[difference.name].words}"
