"""One system in one round, and what was done to it so far."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import seeds
from benchmarks.batches import BatchTimes, send_batch
from benchmarks.errors import BenchmarkError
from benchmarks.load import LoadResult, Script, run_wrk, write_users
from benchmarks.processes import wait_until_at_rest
from benchmarks.system import System

LOADED_USERS = 200_000
WARM_UP_CONNECTIONS = 16
WARM_UP_SECONDS = 1
REST_SECONDS = 240


@dataclass
class Round:
    """One system, freshly started, and what was done to it so far."""

    system: System
    folder: Path
    startup_seconds: float
    load_seconds: int
    _first_batch: BatchTimes | BenchmarkError | None = None
    _uids: list[str] = field(default_factory=seeds.small_uids)

    def first_batch(self) -> BatchTimes:
        """The 265,000 users that the other rows work on; sent once, also when it fails."""
        if self._first_batch is None:
            try:
                body = seeds.small_batch()
                self._first_batch = send_batch(self.system, body, last_uid=self._uids[-1])
            except BenchmarkError as error:
                self._first_batch = error
        if isinstance(self._first_batch, BenchmarkError):
            raise self._first_batch
        return self._first_batch

    def a_user(self) -> str:
        self.first_batch()
        return self._uids[0]

    def other_users(self, count: int) -> list[str]:
        """Users whom no load of the other rows is about."""
        self.first_batch()
        return self._uids[LOADED_USERS : LOADED_USERS + count]

    def users_file(self) -> Path:
        """200,000 of the users, for wrk."""
        self.first_batch()
        path = self.folder / "users.txt"
        if not path.exists():
            write_users(path, self._uids[:LOADED_USERS])
        return path

    def load(self, script: Script, connections: int, *, at_least: int = 0) -> LoadResult:
        """Of the round's length, or `at_least` so many seconds."""
        return run_wrk(
            self.system,
            script,
            self.users_file(),
            connections=connections,
            seconds=max(self.load_seconds, at_least),
        )

    def settle(self) -> None:
        """Wait until the system has done what the batches left behind: publishing, indexing, vacuuming."""
        self.first_batch()
        wait_until_at_rest(os.getpid(), seconds=REST_SECONDS)

    def warm_up(self, script: Script) -> None:
        run_wrk(
            self.system,
            script,
            self.users_file(),
            connections=WARM_UP_CONNECTIONS,
            seconds=WARM_UP_SECONDS,
        )

    def restart(self) -> float:
        """Seconds from the start after a kill -9 of everything until it is ready."""
        self.system.kill()
        began = time.perf_counter()
        self.system.start_again(self.folder)
        return time.perf_counter() - began
