"""What a live state has and its log does not: rows of records that a replay did not meet, and no forget explains.

Compaction takes the records of a profile only behind its forget, which the log keeps for ever. So what the state knows
of a profile that was not forgotten, and a replay does not, the log has lost.
"""

from projections import keyspace
from projections.auditing.differences import Difference
from projections.storage import Storage


class LostRecords:
    """Counts rows that the log lacks; `first` and `last` are the offsets of their records, as far as rows say them."""

    def __init__(self) -> None:
        self._rows: dict[str | None, int] = {}
        self._offsets: dict[str | None, tuple[int, int]] = {}

    def add(self, difference: Difference) -> None:
        """A row of the live state is not in the log."""
        whose, offset = difference.profile, difference.offset
        self._rows[whose] = self._rows.get(whose, 0) + 1
        if offset is not None:
            first, last = self._offsets.get(whose, (offset, offset))
            self._offsets[whose] = min(first, offset), max(last, offset)

    def leave_out_forgotten(self, replay: Storage) -> None:
        """Leaves out the profiles whose forget a replay has met by now."""
        for whose in [*filter(None, self._rows)]:
            if replay.get(keyspace.forgotten(whose)) is not None:
                del self._rows[whose]
                self._offsets.pop(whose, None)

    @property
    def rows(self) -> int:
        return sum(self._rows.values())

    @property
    def first(self) -> int | None:
        return min((first for first, _ in self._offsets.values()), default=None)

    @property
    def last(self) -> int | None:
        return max((last for _, last in self._offsets.values()), default=None)
