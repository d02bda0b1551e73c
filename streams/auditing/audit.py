"""Comparing the state that a service keeps of a partition with the partition's log, folded again.

1. The live state is opened as a secondary, which takes no lock and writes nothing there, whether its service runs or
   not. It says up to which offset it has applied the log.
2. The log is folded again, up to there.
3. The live state is read anew, the replay follows to exactly its offset, and all rows are compared.
4. Where they differ although the live state has moved on, it goes on from 3: what was compacted while the replay read
   it is explained by a forget that comes later, and the replay has to fold that too.
5. Where the state has what the log has not, the replay goes on to the log's end: what a forget there explains is not
   lost. The rest is, and then the log is the damaged one of the two.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from projections import keyspace
from projections.auditing.agreement import Comparison
from projections.auditing.state_files import Secondary
from projections.partition import NOTHING, check_origin
from streams.auditing.replay import Advance, LogReader, Replay, Source

_ROUNDS: Final = 3


class Audit:
    """What came of one partition: `applied` is the offset that both were compared at, `records` what was folded.

    `end` is the log's: it is behind `applied`, or the log has lost its last records.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.applied = NOTHING
        self.end = 0
        self.records = 0
        self.comparison = Comparison()

    async def run(self, log: LogReader, state: Path, scratch: Path, advance: Advance) -> None:
        """Compare; `scratch` is a folder for the replay that is not there yet.

        `advance` gets how many more offsets of the log are folded. Raises `ForeignState`, and
        `UnknownFormat` where the state cannot be read.
        """
        with Secondary(state) as live:
            origin = live.get(keyspace.ORIGIN)
            if origin is not None:
                check_origin(origin, log.origin(self.source))
            live.catch_up()
            replay = log.replay(self.source, scratch)
            try:
                await self._follow(log, live, replay, advance)
                for _ in range(_ROUNDS):
                    live.catch_up()
                    await self._follow(log, live, replay, advance)
                    self.comparison = Comparison()
                    await in_turns(self.comparison.run(live, replay.state.storage, replay.newest))
                    live.catch_up()
                    if not self.comparison.count or _applied(live) == self.applied:
                        break
                self.records = replay.records
                if self.comparison.lost.rows:
                    await replay.fold_to(self.end, advance)
                    self.comparison.lost.leave_out_forgotten(replay.state.storage)
            finally:
                replay.close()

    async def _follow(
        self, log: LogReader, live: Secondary, replay: Replay, advance: Advance
    ) -> None:
        """Folds as far as the live state is, or the log goes."""
        self.applied = _applied(live)
        self.end = await log.end(self.source)
        await replay.fold_to(min(self.applied + 1, self.end), advance)

    @property
    def lost_end(self) -> int:
        """How many records the log has lost at its end."""
        return max(0, self.applied + 1 - self.end)

    @property
    def log_is_damaged(self) -> bool:
        """Whether the log lacks what the state has."""
        return self.lost_end > 0 or self.comparison.lost.rows > 0


def _applied(live: Secondary) -> int:
    row = live.get(keyspace.APPLIED)
    return NOTHING if row is None else int(row)


async def in_turns(work: Iterator[None]) -> None:
    """Work that yields now and then; in between a signal gets its turn."""
    for _ in work:
        await asyncio.sleep(0)
