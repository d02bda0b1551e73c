"""Samples of the stacks of a process, by py-spy, and what share of its event loop's work each stage has.

py-spy reads the memory of the process without stopping it (`--nonblocking`): stopped threads would look as if they
worked, those that wait for work in a queue too. A stack that changed while it was read may lack its outer calls; it
counts where the inner ones say what it was. A thread counts in a sample when it runs or waits for a core, whether it
holds the interpreter's lock or not: a look-up in RocksDB and a write to a socket let the lock go, and are the loop's
work all the same.
"""

import contextlib
import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.budget.stages import Frame, Stage, stage_of
from benchmarks.errors import MeasureError, NotInstalledError
from benchmarks.processes import Child

SAMPLES_PER_SECOND: Final = 200
_START_SECONDS: Final = 20
_MAIN_THREAD: Final = "MainThread"
_LOOP: Final = "Runner.run (/"


class Samples:
    """How many samples of the main thread, which runs the event loop, each stage has."""

    def __init__(self, by_stage: Mapping[Stage, int]) -> None:
        self._by_stage = by_stage
        self.total = sum(by_stage.values())

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "Samples":
        """From lines `thread (id): name;frame;…;frame count`, which py-spy calls raw, frames from the outermost on."""
        by_stage: Counter[Stage] = Counter()
        for line in lines:
            stack, _, count = line.rpartition(" ")
            thread, *frames = stack.split(";")
            if thread.endswith(f": {_MAIN_THREAD}"):
                is_whole, called = _called_by_loop(frames)
                stage = stage_of(called)
                if is_whole or stage is not Stage.REST:
                    by_stage[stage] += int(count)
        return cls(by_stage)

    def share(self, stage: Stage) -> float:
        """Of all samples of the thread, from 0 to 1. Raises MeasureError where there are none."""
        if not self.total:
            raise MeasureError("py-spy saw the service do nothing")
        return self._by_stage.get(stage, 0) / self.total


class Recording:
    """What a `recording` has found; `samples` once it has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def samples(self) -> Samples:
        with self._path.open() as lines:
            return Samples.parse(line.rstrip("\n") for line in lines)


@contextlib.contextmanager
def recording(pid: int, folder: Path) -> Generator[Recording]:
    """Sample the process `pid` within the context. Raises NotInstalledError, or StartError when py-spy may not."""
    py_spy = Path(sys.executable).with_name("py-spy")
    if not py_spy.exists():
        raise NotInstalledError("py-spy is missing; `make venv` installs it")
    path = folder / "stacks.txt"
    command = [str(py_spy), "record", "--pid", str(pid), "--output", str(path), "--format", "raw"]
    command += ["--rate", str(SAMPLES_PER_SECOND), "--nonblocking", "--threads", "--function"]
    command += ["--full-filenames"]
    child = Child(command, log=folder / "py-spy.log")
    try:
        child.wait_until(
            lambda: "Sampling process" in child.log.read_text(), seconds=_START_SECONDS
        )
        yield Recording(path)
    finally:
        child.stop(signal.SIGINT)


def _called_by_loop(frames: Sequence[str]) -> tuple[bool, list[Frame]]:
    """Whether the loop is among the calls, and those behind it; all of them where it is not."""
    for position, frame in enumerate(frames):
        if frame.startswith(_LOOP):
            return True, [*map(Frame.parse, frames[position + 1 :])]
    return False, [*map(Frame.parse, frames)]
