"""The twin as the benchmark sees it: a PostgreSQL server and the service in front of it."""

import importlib.util
import sys
from pathlib import Path

import httpx

from benchmarks.errors import NotInstalledError
from benchmarks.processes import REPOSITORY, Child, free_port, peak_resident_mib, resident_mib
from benchmarks.system import READY_SECONDS, Memory, System
from benchmarks.twin.postgres import PostgresServer


class PostgresTwin(System):
    """A fresh PostgreSQL, and `benchmarks/twin/service.py` as one process, as profilelog is."""

    name = "PostgreSQL twin"

    def __init__(self, *, fsync: bool = True) -> None:
        super().__init__()
        self._postgres = PostgresServer(fsync=fsync)
        self._service: Child | None = None

    def start(self, folder: Path) -> None:
        if importlib.util.find_spec("asyncpg") is None:
            raise NotInstalledError("asyncpg is missing; install it with: pip install asyncpg")
        self._postgres.start(folder)
        self._serve(folder)

    def _serve(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._service = Child(
            [sys.executable, "-m", "benchmarks.twin.service", str(port)],
            log=folder / "service.log",
            env={"TWIN_DSN": self._postgres.dsn, "TWIN_SECRET": self.secret},
            cwd=REPOSITORY,
        )
        self._service.wait_until(self.is_ready, seconds=READY_SECONDS)

    def kill(self) -> None:
        assert self._service is not None, "start it first"  # for the type checker
        self._service.kill()
        self._postgres.kill()

    def start_again(self, folder: Path) -> None:
        self._postgres.start_again(folder)
        self._serve(folder)

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()
        self._postgres.stop()

    def memory(self) -> Memory:
        assert self._service is not None, "start it first"  # for the type checker
        pid = self._service.pid
        return Memory(
            service=resident_mib(pid),
            service_peak=peak_resident_mib(pid),
            store=self._postgres.memory_mib(),
        )

    def wait_until_readable(self, client: httpx.Client, batch_id: str) -> None:
        """Nothing to wait for: the twin answers after its transaction."""
