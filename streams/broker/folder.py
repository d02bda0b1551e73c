"""The broker's data folder: what lies where, who may use it, and who is using it.

data/broker/lock               held (flock) by the Python process as long as its broker may run
data/broker/broker.json        {"pid", "bootstrap"} of the broker that runs
data/broker/server.properties  written at every start; it has passwords
data/broker/server.log         what Kafka prints; the last start's is server.log.1
data/broker/kafka/             Kafka's own: the records
data/kafka.properties          (CLIENT_FILE) what a client needs; the password stays the same as long as the file does
"""

import fcntl
import os
import re
import secrets
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from schemas.errors import OperatorError
from streams.broker.errors import BrokerLocked
from streams.broker.properties import client_properties
from streams.data_folder import make_private, open_private, write_private
from streams.log.kafka_access import KafkaAccess, read_properties

CLIENT_FILE: Final = "kafka.properties"
_TAIL_BYTES = 8192
_TAIL_LINES = 15
_END_TIMEOUT_MS = 8_000
_PASSWORD_BYTES = 24
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{20,}")  # which no form of properties has to escape


class Running(msgspec.Struct, frozen=True):
    """What broker.json says. `bootstrap` is None until the broker answers."""

    pid: int
    bootstrap: str | None


@dataclass(frozen=True)
class BrokerFolder:
    """The paths under `data/broker`, absolute."""

    path: Path

    @classmethod
    def of(cls, data: Path) -> "BrokerFolder":
        """The broker's folder in a data folder, which need not exist."""
        return cls(data.resolve() / "broker")

    @property
    def properties(self) -> Path:
        """The settings that this start wrote."""
        return self.path / "server.properties"

    @property
    def log(self) -> Path:
        """What Kafka prints."""
        return self.path / "server.log"

    @property
    def kafka(self) -> Path:
        """Kafka's own folder."""
        return self.path / "kafka"

    @property
    def formatted(self) -> bool:
        """Whether Kafka has made its folder; the file that shows it is the last that it writes."""
        return (self.kafka / "meta.properties").exists()

    def create(self) -> None:
        """Make the folder, open to nobody else: it holds personal data. Raises as `make_private` does."""
        make_private(self.path.parent)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def password(self) -> str:
        """The password of clients: that of kafka.properties, or a new one where there is none."""
        access = self.access()
        kept = access.password if access is not None else None
        return kept if kept and _PASSWORD.fullmatch(kept) else new_password()

    def access(self) -> KafkaAccess | None:
        """What kafka.properties says of the last start; None where there is no such file, or no good one."""
        try:
            return read_properties(self._clients)
        except (FileNotFoundError, UnicodeDecodeError, OperatorError):
            return None

    def write_access(self, access: KafkaAccess) -> None:
        """Write kafka.properties."""
        write_private(self._clients, client_properties(access))

    def rotate_log(self) -> None:
        """Keep the last start's log and begin a new one."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))

    def log_tail(self) -> list[str]:
        """The last lines that Kafka printed, but for the frames of stack traces."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return [line for line in lines if not line.startswith("\tat ")][-_TAIL_LINES:]

    def lock(self) -> IO[bytes]:
        """Take the folder for this process, until the file that is returned is closed.

        Raises:
            BrokerLocked: another process has it.
        """
        file = open_private(self.path / "lock")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            running = self.running()
            raise BrokerLocked(
                folder=self.path,
                pid=running.pid if running else None,
                bootstrap=running.bootstrap if running else None,
            ) from error
        return file

    def running(self) -> Running | None:
        """The broker that runs on this folder; None where the file is missing or stale."""
        try:
            running = msgspec.json.decode(self._state.read_bytes(), type=Running)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return running if self._is_ours(running.pid) else None

    def record(self, running: Running) -> None:
        """Records which broker runs on this folder."""
        write_private(self._state, msgspec.json.encode(running).decode())

    def record_end(self) -> None:
        """No broker runs on this folder any more."""
        self._state.unlink(missing_ok=True)

    def end_orphan(self) -> None:
        """End the broker that a former owner of the folder left behind.

        Only for the holder of the lock. Blocks until the process has ended: half a second, or the
        time that a clean end may take and then a kill.
        """
        orphan = self.running()
        if orphan is None:
            return
        try:
            handle = os.pidfd_open(orphan.pid)
        except ProcessLookupError:
            return
        try:
            # Read again, now that the handle cannot come to mean another process.
            if self._is_ours(orphan.pid):
                _end(handle)
        finally:
            os.close(handle)

    def _is_ours(self, pid: int) -> bool:
        """Whether a process is Kafka, started with this folder's settings."""
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return b"kafka.Kafka" in arguments and os.fsencode(self.properties) in arguments

    @property
    def _state(self) -> Path:
        return self.path / "broker.json"

    @property
    def _clients(self) -> Path:
        return self.path.with_name(CLIENT_FILE)


def new_password() -> str:
    """One that nobody can guess, of characters that need no escape."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def _end(handle: int) -> None:
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    for end in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, end)
        if ended.poll(_END_TIMEOUT_MS):
            return


def running_broker(data: Path) -> KafkaAccess | None:
    """How to reach the broker that runs on a data folder; None where none answers."""
    folder = BrokerFolder.of(data)
    running = folder.running()
    return folder.access() if running and running.bootstrap else None
