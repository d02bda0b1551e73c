"""Child processes: started with a log file, waited for, weighed through /proc, stopped by pid."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.errors import MeasureError, StartError

REPOSITORY = Path(__file__).parent.parent
KIB_PER_MIB = 1024
_REST_SECONDS = 2
_POLL_SECONDS = 0.02
_NANOSECONDS = 1_000_000_000
_BLOCK_BYTES = 512  # the unit of `st_blocks`, whatever the file system's is
_LISTENS = "0A"  # the state of a socket in /proc/net/tcp


def output_of(module: str, *arguments: str) -> bytes:
    """What a module of this repository prints, run in a fresh process. MeasureError when it fails."""
    done = subprocess.run(  # our own fixed command
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise MeasureError(f"{module} ended with code {done.returncode}: {last_line}")
    return done.stdout


class Child:
    """A process of ours. Its output goes to a file, so a full pipe never stops it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # our own fixed commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                start_new_session=True,  # Ctrl-C reaches us alone: we stop our children in order
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Return once `is_ready`; StartError when the process ends or the time is up first."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if self._process.poll() is not None:
                raise StartError(f"ended with code {self._process.returncode}: {self.last_line()}")
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {seconds:.0f} s: {self.last_line()}")
            time.sleep(_POLL_SECONDS)

    def last_line(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, *, patience: float = 20) -> None:
        """Ask politely, then kill it and whatever it had started itself."""
        family = [self.pid, *descendants(self.pid)]
        if self._process.poll() is None:
            self._process.send_signal(with_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        if self._process.poll() is None or any(map(runs, family[1:])):
            _kill(family)
        self._process.wait()

    def kill(self) -> None:
        """kill -9 of it and of whatever it had started itself; returns when none of them runs."""
        self._process.send_signal(signal.SIGSTOP)  # it starts nobody while the others are found
        family = [self.pid, *descendants(self.pid)]
        _kill(family)
        self._process.wait()
        # A PostgreSQL does not start beside what is left of another one on its folder.
        while any(map(runs, family)):
            time.sleep(_POLL_SECONDS)


def _kill(family: Iterable[int]) -> None:
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listeners(port: int) -> int:
    """How many sockets listen on an IPv4 port of this machine."""
    _, *sockets = Path("/proc/net/tcp").read_text().splitlines()
    fields = (line.split() for line in sockets)
    return sum(each[1].endswith(f":{port:04X}") and each[3] == _LISTENS for each in fields)


def descendants(pid: int) -> Iterator[int]:
    """The children of `pid`, their children, and so on."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from descendants(child)


def runs(pid: int) -> bool:
    """Whether there is such a process that has not ended yet."""
    state = _read(pid, "stat").rpartition(")")[2].split()
    return bool(state) and state[0] != "Z"


def command_name(pid: int) -> str:
    return _read(pid, "comm").strip()


def resident_mib(pid: int) -> float:
    """Memory of the process that is in RAM now (VmRSS), in MiB."""
    return _field(_read(pid, "status"), "VmRSS") / KIB_PER_MIB


def peak_resident_mib(pid: int) -> float:
    """The most that was ever in RAM (VmHWM), in MiB."""
    return _field(_read(pid, "status"), "VmHWM") / KIB_PER_MIB


def cpu_seconds(pid: int) -> float:
    """The CPU that the process has taken since its start, in the kernel too; 0 of one that is gone."""
    return _cpu_seconds(_read(pid, "stat"))


def main_thread_cpu_seconds(pid: int) -> float:
    """As `cpu_seconds`, of the thread alone that the process began with."""
    return _cpu_seconds(_read(pid, f"task/{pid}/stat"))


def main_thread_wait_seconds(pid: int) -> float:
    """For how long that thread could have run and had no core; 0 where the kernel does not count it."""
    schedule = _read(pid, f"task/{pid}/schedstat").split()
    return int(schedule[1]) / _NANOSECONDS if schedule else 0.0


def _cpu_seconds(stat: str) -> float:
    user_and_system = stat.rpartition(")")[2].split()[11:13]
    return sum(map(int, user_and_system)) / os.sysconf("SC_CLK_TCK")


def disk_mib(folder: Path) -> float:
    """What the files below a folder take of the disk, in MiB; of a file with holes that is less than its length."""
    blocks = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # its owner may remove it meanwhile
            blocks += path.stat().st_blocks
    return blocks * _BLOCK_BYTES / KIB_PER_MIB**2


def wait_until_at_rest(pid: int, *, seconds: float) -> None:
    """Wait until the descendants of a process take less than a tenth of a core for two seconds.

    Raises MeasureError when they do not within `seconds`.
    """
    deadline = time.perf_counter() + seconds
    taken = _cpu_of_descendants(pid)
    while True:
        time.sleep(_REST_SECONDS)
        before, taken = taken, _cpu_of_descendants(pid)
        if taken - before < _REST_SECONDS / 10:
            return
        if time.perf_counter() > deadline:
            raise MeasureError(f"it is still at work {seconds:.0f} s after the batches")


def _cpu_of_descendants(pid: int) -> float:
    return sum(map(cpu_seconds, descendants(pid)))


def proportional_mib(pid: int) -> float:
    """Like `resident_mib`, each shared page divided among those who share it (Pss), in MiB."""
    return _field(_read(pid, "smaps_rollup"), "Pss") / KIB_PER_MIB


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _field(text: str, name: str) -> int:
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    return 0
