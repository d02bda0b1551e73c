"""A core for what is measured, the others for what it works with: Kafka, the index process, the load and py-spy.

A sample of a thread that waits for a core looks like one of a thread that has it. On shared cores a third of the
samples were such, most of them in the write to Kafka's socket, which wakes Kafka on the spot.
"""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple


class Cores(NamedTuple):
    """`measured` is for the service, or for a part of it alone."""

    measured: int
    others: set[int]


def divide_cores() -> Cores:
    """Of those that this process may use. Where there is only one, all share it."""
    measured, *others = sorted(os.sched_getaffinity(0))
    return Cores(measured, set(others or [measured]))


def bind(pid: int, cores: set[int]) -> None:
    """Bind all threads of a process, and what they will start; not what they have started."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)
