"""What an item of work costs: the CPU of each process from /proc, divided among the stages as the samples say."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.budget.sampling import Samples, recording
from benchmarks.budget.stages import Stage
from benchmarks.processes import (
    cpu_seconds,
    main_thread_cpu_seconds,
    main_thread_wait_seconds,
)
from benchmarks.service import Family, Profilelog

_MICROSECONDS = 1_000_000


class Cpu(NamedTuple):
    """CPU in seconds, in the kernel too: of the service's event loop and other threads, and of what runs beside it.

    `waiting` is for how long the loop could have run and had no core.
    """

    loop: float
    waiting: float
    other_threads: float
    index_process: float
    kafka: float

    @classmethod
    def of(cls, family: Family) -> "Cpu":
        """Since the processes began."""
        loop = main_thread_cpu_seconds(family.service)
        return cls(
            loop,
            main_thread_wait_seconds(family.service),
            max(0.0, cpu_seconds(family.service) - loop),  # each is rounded to a tick by itself
            sum(map(cpu_seconds, family.writers)),
            sum(map(cpu_seconds, family.kafka)),
        )

    def since(self, before: "Cpu") -> "Cpu":
        return Cpu(*(max(0.0, now - then) for now, then in zip(self, before, strict=True)))


@dataclass(frozen=True)
class Cost:
    """Microseconds of one item: `clock` is its share of the time that all took, the others are CPU.

    `waiting` is none of it: the loop had no core meanwhile. Where it is much, the stages are wrong, for the samples
    cannot tell it from work.
    """

    clock: float
    waiting: float
    stages: Mapping[Stage, float]
    other_threads: float
    index_process: float
    kafka: float

    @classmethod
    def of(cls, seconds: float, cpu: Cpu, samples: Samples, items: float) -> "Cost":
        """Of one of `items` that took so many seconds. Raises MeasureError where there are no samples."""
        clock, loop, waiting, *others = (_MICROSECONDS * each / items for each in (seconds, *cpu))
        stages = {stage: loop * samples.share(stage) for stage in Stage}
        return cls(clock, waiting, stages, *others)

    @property
    def service(self) -> float:
        """Of the service's own process."""
        return sum(self.stages.values()) + self.other_threads


def cost_of(system: Profilelog, folder: Path, work: Callable[[], float]) -> Cost:
    """Of each item of `work`, which returns how many these were. Raises BenchmarkError."""
    with recording(system.pid, folder) as found:
        began, before = time.perf_counter(), Cpu.of(system.family)
        items = work()
        seconds, cpu = time.perf_counter() - began, Cpu.of(system.family).since(before)
    return Cost.of(seconds, cpu, found.samples, items)
