"""Load from `wrk`: as many requests as come back, over a fixed number of connections."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Protocol

from benchmarks.errors import MeasureError, NotInstalledError

SCRIPTS = Path(__file__).parent / "lua"
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_runs = count(1)


class Script(StrEnum):
    """What one request does; the scripts say it in Lua."""

    UPSERT = "upsert"
    READ = "read"
    EMAIL = "email"
    CONTESTED_EMAIL = "contested_email"
    MIXED = "mixed"
    HEALTH = "health"


class Target(Protocol):
    """What requests are sent to: a system, or a server of a part alone."""

    url: str
    secret: str


@dataclass(frozen=True)
class LoadResult:
    """Answers per second, and the median, the 99th percentile and the slowest in milliseconds."""

    rate: float
    median: float
    p99: float
    slowest: float


def run_wrk(
    target: Target, script: Script, users: Path, *, connections: int, seconds: int
) -> LoadResult:
    """Load `target` with requests for the users in the file `users`, one uid a line.

    Raises MeasureError when a single answer was not 2xx or 3xx, or a socket failed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NotInstalledError("wrk is missing; install it with: apt-get install wrk")
    command = [wrk, "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "20s", "--latency"]
    command += ["--script", str(SCRIPTS / f"{script}.lua"), target.url]
    environment = {
        **os.environ,
        "BENCH_SECRET": target.secret,
        "BENCH_LUA": str(SCRIPTS),
        "BENCH_USERS": str(users),
        "BENCH_RUN": str(next(_runs)),  # seeds wrk's choices and makes its emails new
    }
    done = subprocess.run(  # our own fixed command
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MeasureError(f"wrk ended with code {done.returncode}: {done.stderr.strip()}")
    return parse_wrk(done.stdout)


def parse_wrk(output: str) -> LoadResult:
    """Read what `wrk --latency` prints."""
    if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", output):
        raise MeasureError(f"{int(refused[1]):,} answers were not 2xx")
    if failed := re.search(r"Socket errors: (.+)", output):
        raise MeasureError(f"sockets failed: {failed[1]}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None or float(rate[1]) == 0:
        raise MeasureError("wrk saw no answer at all")
    return LoadResult(
        float(rate[1]), _percentile(output, 50), _percentile(output, 99), _slowest(output)
    )


def write_users(path: Path, uids: Sequence[str]) -> None:
    """The file that the scripts choose their users from."""
    path.write_text("\n".join(uids) + "\n")


def _percentile(output: str, percent: int) -> float:
    return _milliseconds(output, rf"^\s+{percent}%\s+", f"{percent}th percentile")


def _slowest(output: str) -> float:
    return _milliseconds(output, r"^\s+Latency\s+\S+\s+\S+\s+", "slowest answer")


def _milliseconds(output: str, before: str, what: str) -> float:
    """The time that stands after `before`; wrk fills a unit of one letter up with a space."""
    found = re.search(rf"{before}([\d.]+)(us|ms|s|m)\s", output, re.MULTILINE)
    if found is None:
        raise MeasureError(f"wrk printed no {what}")
    return float(found[1]) * MILLISECONDS[found[2]]
