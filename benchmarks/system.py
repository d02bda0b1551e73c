"""What the benchmark asks of a system that it measures: profilelog, or its PostgreSQL twin."""

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

READY_SECONDS = 120  # the first start ever of profilelog fetches Kafka's jars


@dataclass(frozen=True)
class Memory:
    """MiB of RAM: of the service, the most it ever had, and of what it stores its data in."""

    service: float
    service_peak: float
    store: float


@dataclass(frozen=True)
class Disk:
    """MiB on the disk: of the state with its indexes, and of the log that it can be made again from."""

    state: float
    log: float


class System(ABC):
    """One system with a data folder of its own; a context manager that stops it."""

    name: str

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        self.url = ""

    @abstractmethod
    def start(self, folder: Path) -> None:
        """From an empty folder to ready for requests. StartError or NotInstalledError if not."""

    @abstractmethod
    def kill(self) -> None:
        """kill -9 of all its processes."""

    @abstractmethod
    def start_again(self, folder: Path) -> None:
        """After a kill, on the folder that it was started on: until it is ready for requests."""

    @abstractmethod
    def stop(self) -> None:
        """End what `start` began, also when it got half the way."""

    @abstractmethod
    def memory(self) -> Memory: ...

    @abstractmethod
    def disk(self, folder: Path) -> Disk:
        """Of the folder that it was started on."""

    @abstractmethod
    def wait_until_readable(self, client: httpx.Client, batch_id: str) -> None:
        """Return once every read shows all of the batch."""

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Account-Secret": self.secret}

    def client(self) -> httpx.Client:
        # trust_env: a proxy for the outside world has nothing to do with loopback.
        return httpx.Client(
            base_url=self.url, headers=self.headers, timeout=READY_SECONDS, trust_env=False
        )

    def is_ready(self) -> bool:
        """Whether `GET /ready` answers 200."""
        try:
            return httpx.get(f"{self.url}/ready", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
