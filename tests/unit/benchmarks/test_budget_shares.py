"""The shares of the stages among the samples, and the costs that follow from them."""

import pytest

from benchmarks.budget.costs import Cost, Cpu
from benchmarks.budget.sampling import Samples
from benchmarks.budget.stages import Stage
from benchmarks.errors import MeasureError

LOOP = "thread (7): MainThread;main (/srv/m.py:1);Runner.run (/usr/lib/python3.11/asyncio/runners.py:86)"
UVICORN = "send (/srv/venv/lib/python3.11/site-packages/uvicorn/server.py:1)"
PARKED = "thread (8): uvloop_0;_worker (/usr/lib/python3.11/concurrent/futures/thread.py:69)"


def shares(*lines: str) -> dict[Stage, float]:
    samples = Samples.parse(lines)
    return {stage: share for stage in Stage if (share := samples.share(stage))}


def test_only_what_the_event_loop_does_has_a_share() -> None:
    found = shares(f"{LOOP};{UVICORN} 30", f"{LOOP} 10", f"{PARKED} 1000")

    assert found == {Stage.HTTP: 0.75, Stage.REST: 0.25}


def test_a_stack_that_is_not_whole_counts_where_it_says_what_it_was() -> None:
    found = shares(
        f"{LOOP} 10",
        f"thread (7): MainThread;{UVICORN} 30",
        "thread (7): MainThread;wait (/usr/lib/python3.11/asyncio/tasks.py:1) 60",
        "thread (7): MainThread 60",
    )

    assert found == {Stage.HTTP: 0.75, Stage.REST: 0.25}


def test_without_samples_there_is_no_share() -> None:
    with pytest.raises(MeasureError):
        shares(f"{PARKED} 1000")


def test_the_loops_cpu_is_divided_among_the_stages_and_the_items() -> None:
    samples = Samples({Stage.HTTP: 3, Stage.REST: 1})
    after = Cpu(loop=2, waiting=1, other_threads=1, index_process=0.5, kafka=4)
    cpu = after.since(Cpu(1, 0.75, 0.5, 0.5, 1))

    cost = Cost.of(10, cpu, samples, 1000)

    assert (cost.clock, cost.waiting) == (10_000, 250)
    assert (cost.stages[Stage.HTTP], cost.stages[Stage.REST]) == (750, 250)
    assert (cost.other_threads, cost.index_process, cost.kafka) == (500, 0, 3000)
    assert cost.service == 1500
