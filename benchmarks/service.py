"""profilelog, started as a user starts it: one command that brings its own Kafka."""

import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec

from benchmarks.errors import MeasureError
from benchmarks.processes import (
    REPOSITORY,
    Child,
    command_name,
    descendants,
    disk_mib,
    free_port,
    peak_resident_mib,
    resident_mib,
)
from benchmarks.system import READY_SECONDS, Disk, Memory, System

APPLIED_SECONDS = 180
POLL_SECONDS = 0.02


class Family(NamedTuple):
    """Processes by their ids: the service, those that write its search index, its Kafka."""

    service: int
    writers: list[int]
    kafka: list[int]


class Profilelog(System):
    """`profilelog up` on a free port, its data in the folder of this run."""

    name = "profilelog"

    def __init__(self) -> None:
        super().__init__()
        self._service: Child | None = None

    def start(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "api.command_line.main", "up"]
        command += ["--port", str(port), "--data", str(folder / "data")]
        self._service = Child(
            command,
            log=folder / "service.log",
            cwd=REPOSITORY,
            env={"PROFILELOG_ACCOUNT_SECRET": self.secret},
        )
        self._service.wait_until(self.is_ready, seconds=READY_SECONDS)

    def kill(self) -> None:
        assert self._service is not None, "start it first"  # for the type checker
        self._service.kill()

    def start_again(self, folder: Path) -> None:
        self.start(folder)

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()

    @property
    def pid(self) -> int:
        """The process of the service itself, without its Kafka."""
        assert self._service is not None, "start it first"  # for the type checker
        return self._service.pid

    @property
    def family(self) -> Family:
        """The service and whatever it runs beside itself, apart from its child Kafka (a Java)."""
        children = list(descendants(self.pid))
        kafka = [pid for pid in children if command_name(pid) == "java"]
        return Family(self.pid, [pid for pid in children if pid not in kafka], kafka)

    def memory(self) -> Memory:
        service, writers, kafka = self.family
        return Memory(
            service=sum(map(resident_mib, [service, *writers])),
            service_peak=sum(map(peak_resident_mib, [service, *writers])),
            store=sum(map(resident_mib, kafka)),
        )

    def disk(self, folder: Path) -> Disk:
        """RocksDB and the search index; the log is Kafka's whole folder."""
        data = folder / "data"
        state = disk_mib(data / "state") + disk_mib(data / "search")
        return Disk(state=state, log=disk_mib(data / "broker"))

    def wait_until_readable(self, client: httpx.Client, batch_id: str) -> None:
        """Poll the batch's status (contract §4) until it says `applied`."""
        deadline = time.monotonic() + APPLIED_SECONDS
        while True:
            answer = client.get(f"/v3/observe/hooks/batches/{batch_id}")
            if answer.status_code != 200:
                raise MeasureError(f"the batch's status answered {answer.status_code}")
            if msgspec.json.decode(answer.content)["batch"]["applied"]:
                return
            if time.monotonic() > deadline:
                raise MeasureError(f"the batch is not applied after {APPLIED_SECONDS} s")
            time.sleep(POLL_SECONDS)
