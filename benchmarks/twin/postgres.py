"""A PostgreSQL server of our own, in a temporary folder, on a free loopback port.

Its settings are PostgreSQL's defaults: `fsync` and `synchronous_commit` on.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.errors import NotInstalledError, StartError
from benchmarks.processes import Child, descendants, disk_mib, free_port, proportional_mib
from benchmarks.system import READY_SECONDS, Disk

DEBIAN = Path("/usr/lib/postgresql")
ROLE = "twin"


def find_binaries() -> Path:
    """The newest installed server's folder. NotInstalledError when there is none."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NotInstalledError("PostgreSQL is missing; install it with: apt-get install postgresql")


def installed_version() -> str | None:
    """Such as `PostgreSQL 15.8`, or None."""
    try:
        command = [str(find_binaries() / "postgres"), "--version"]
    except NotInstalledError:
        return None
    said = subprocess.run(  # our own fixed command
        command, capture_output=True, text=True, check=True
    ).stdout
    return f"PostgreSQL {said.split()[2]}"  # postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)


class PostgresServer:
    """`start`, use `dsn`, `stop`."""

    def __init__(self, *, fsync: bool = True) -> None:
        self._fsync = fsync
        self._server: Child | None = None
        self._password = secrets.token_hex(16)
        self.dsn = ""

    def start(self, folder: Path) -> None:
        """Make a cluster in the folder, and serve it."""
        data = folder / "postgres"
        self._make_cluster(find_binaries(), data, self._password, _server_user())
        self._serve(folder, data)

    def start_again(self, folder: Path) -> None:
        """After a `kill`."""
        self._serve(folder, folder / "postgres")

    def _serve(self, folder: Path, data: Path) -> None:
        binaries, user = find_binaries(), _server_user()
        port = free_port()
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        if not self._fsync:
            command += ["-c", "fsync=off"]
        self._server = Child(command, log=folder / "postgres.log", cwd=data, user=user)
        self._server.wait_until(lambda: _accepts(binaries, port), seconds=READY_SECONDS)
        self.dsn = f"postgresql://{ROLE}:{self._password}@127.0.0.1:{port}/postgres"

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(signal.SIGINT)  # PostgreSQL's "fast" shutdown

    def kill(self) -> None:
        """kill -9 of all its processes."""
        if self._server is not None:
            self._server.kill()

    def memory_mib(self) -> float:
        """Of all its processes, their shared buffers counted once."""
        if self._server is None:
            return 0
        return sum(map(proportional_mib, [self._server.pid, *descendants(self._server.pid)]))

    @staticmethod
    def disk(folder: Path) -> Disk:
        """Tables and indexes; the log is the write-ahead log, whose files PostgreSQL uses again."""
        data = folder / "postgres"
        log = disk_mib(data / "pg_wal")
        return Disk(state=disk_mib(data) - log, log=log)

    @staticmethod
    def _make_cluster(binaries: Path, data: Path, password: str, user: str | None) -> None:
        password_file = data.with_name("password")
        password_file.write_text(password)
        data.mkdir(mode=0o700)
        if user is not None:
            data.parent.chmod(0o711)  # PostgreSQL's user may pass through to its own folder
            shutil.chown(data, user)
            shutil.chown(password_file, user)
        command = [str(binaries / "initdb"), "-D", str(data), "--username", ROLE]
        command += ["--pwfile", str(password_file), "--auth", "scram-sha-256"]
        command += ["--encoding", "UTF8", "--locale", "C.UTF-8"]
        made = subprocess.run(  # our own fixed command
            command,
            cwd=data,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
        password_file.unlink()
        if made.returncode != 0:
            raise StartError(f"initdb: {made.stderr.strip()}")


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    yield from sorted(_debian_folders(), key=lambda found: int(found.parent.name), reverse=True)


def _debian_folders() -> Iterable[Path]:
    return (found for found in DEBIAN.glob("*/bin") if found.parent.name.isdigit())


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: then as `postgres`, or as `nobody`; else as ourselves."""
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in accounts else "nobody"


def _accepts(binaries: Path, port: int) -> bool:
    """Whether it takes connections: after a crash it listens before it has recovered."""
    command = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0
