"""The twin as the benchmark sees it: a PostgreSQL server and the service in front of it."""

import importlib.util
import sys
from pathlib import Path

import httpx

from benchmarks.errors import NotInstalledError
from benchmarks.processes import (
    REPOSITORY,
    Child,
    free_port,
    listeners,
    peak_resident_mib,
    resident_mib,
)
from benchmarks.system import READY_SECONDS, Disk, Memory, System
from benchmarks.twin.postgres import PostgresServer

TWIN = "PostgreSQL twin"
"""The name of the one with a single process, as profilelog is one."""


class PostgresTwin(System):
    """A fresh PostgreSQL, and `benchmarks/twin/service.py` in front of it, in as many processes as asked for.

    They share a port; the kernel spreads the connections over them.
    """

    def __init__(self, *, fsync: bool = True, processes: int = 1) -> None:
        super().__init__()
        self.name = TWIN if processes == 1 else f"twin, {processes} processes"
        self._processes = processes
        self._postgres = PostgresServer(fsync=fsync)
        self._services: list[Child] = []

    def start(self, folder: Path) -> None:
        if importlib.util.find_spec("asyncpg") is None:
            raise NotInstalledError("asyncpg is missing; install it with: pip install asyncpg")
        self._postgres.start(folder)
        self._serve(folder)

    def _serve(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._services = []
        # One after the other: the first makes the tables.
        for number in range(1, self._processes + 1):
            service = Child(
                [sys.executable, "-m", "benchmarks.twin.service", str(port)],
                log=folder / f"service-{number}.log",
                env={"TWIN_DSN": self._postgres.dsn, "TWIN_SECRET": self.secret},
                cwd=REPOSITORY,
            )
            self._services.append(service)
            service.wait_until(lambda: listeners(port) == number, seconds=READY_SECONDS)  # noqa: B023  # asked at once
        self._services[0].wait_until(self.is_ready, seconds=READY_SECONDS)

    def kill(self) -> None:
        for service in self._services:
            service.kill()
        self._postgres.kill()

    def start_again(self, folder: Path) -> None:
        self._postgres.start_again(folder)
        self._serve(folder)

    def stop(self) -> None:
        for service in self._services:
            service.stop()
        self._postgres.stop()

    def memory(self) -> Memory:
        pids = [service.pid for service in self._services]
        return Memory(
            service=sum(map(resident_mib, pids)),
            service_peak=sum(map(peak_resident_mib, pids)),
            store=self._postgres.memory_mib(),
        )

    def disk(self, folder: Path) -> Disk:
        return self._postgres.disk(folder)

    def wait_until_readable(self, client: httpx.Client, batch_id: str) -> None:
        """Nothing to wait for: the twin answers after its transaction."""
