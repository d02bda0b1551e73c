"""Progress bars, on stderr where that is a terminal."""

import contextlib
from collections.abc import Generator
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from api.command_line.output import STDERR


class Watch(Protocol):
    """Shows how far the work is: what comes next and how much of it, then each step."""

    def begin(self, what: str, total: int) -> None: ...

    def advance(self, steps: int) -> None: ...


class _Bars:
    """One progress bar for each part of the work."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, what: str, total: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, total=1, completed=1)
        self._task = self._progress.add_task(what, total=total or None)

    def advance(self, steps: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, steps)


@contextlib.contextmanager
def bars() -> Generator[Watch]:
    """Show one for each part of the work, until the block ends."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=STDERR, disable=not STDERR.is_terminal) as progress:
        yield _Bars(progress)


def counting_bar() -> Progress:
    """For work that is counted: how many of how many, and for how long still."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=STDERR,
        disable=not STDERR.is_terminal,
    )
