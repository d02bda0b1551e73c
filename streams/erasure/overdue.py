"""Deletions that are not purged within twice `purge_within` of their request (contract §8)."""

import logging
from collections.abc import Sequence
from typing import Final

from projections.deletions import Deletion
from streams.clock import unix_ms
from streams.erasure.topic_watch import NOT_YET

log = logging.getLogger(__name__)

_NAMED: Final = 20


class Overdue:
    """Which deletions are overdue, and why. `count` and `reason` are as of the last `note`."""

    def __init__(self, purge_within: float) -> None:
        self._after_ms = int(2000 * purge_within)
        self._reported: set[str] = set()
        self.count = 0
        self.reason = NOT_YET

    def is_since(self, requested_at: int) -> bool:
        """Whether a deletion that was requested then, in unix ms, and is not purged, is overdue by now."""
        return unix_ms() > requested_at + self._after_ms

    def among(self, waiting: Sequence[Deletion]) -> list[str]:
        """The ids of those that are overdue."""
        return [deletion.id for deletion in waiting if self.is_since(deletion.requested_at)]

    def note(self, waiting: Sequence[Deletion], reason: str) -> None:
        """Of all that wait now, logs once each that is overdue."""
        late = self.among(waiting)
        self.count = len(late)
        self.reason = reason or NOT_YET
        if new := [id_ for id_ in late if id_ not in self._reported]:
            shown = ", ".join(new[:_NAMED]) + (", …" if len(new) > _NAMED else "")
            log.warning("deletions overdue: %d (%s): %s", len(new), shown, self.reason)
        self._reported = set(late)
