"""The protocol keeps its promises under random schedules of crashes, cuts, old state and half-compacted logs.

`PROFILELOG_SCHEDULES` says how many are run, `PROFILELOG_SEED` the first one's number; of eight portions the last is
run in a world where one node owns all, whose real settlement says what may be answered. A schedule that fails is
printed in its smallest form with what happened; `schedules.run` runs it again.
"""

import os
from typing import Final

import pytest

from tests.faults.schedules import investigate, run, schedule

_SCHEDULES: Final = int(os.environ.get("PROFILELOG_SCHEDULES", "4000"))
_FIRST: Final = int(os.environ.get("PROFILELOG_SEED", "0"))
_PORTION: Final = 250


@pytest.mark.parametrize("first", range(_FIRST, _FIRST + _SCHEDULES, _PORTION))
def test_no_schedule_breaks_a_promise(first: int) -> None:
    together = first // _PORTION % 8 == 7
    for seed in range(first, min(first + _PORTION, _FIRST + _SCHEDULES)):
        steps = schedule(seed)
        violation = run(steps, together=together)
        if violation is not None:
            failure = investigate(steps, violation, together=together)
            raise AssertionError(f"seed {seed}, together={together}: {failure}") from violation


def test_a_schedule_is_the_same_every_time() -> None:
    for seed in range(_FIRST, _FIRST + 50):
        first: list[str] = []
        second: list[str] = []

        run(schedule(seed), first)
        run(schedule(seed), second)

        assert first == second
        assert len(first) > len(schedule(seed))
