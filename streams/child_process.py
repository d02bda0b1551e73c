"""A program that runs beside the service and ends with it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LAUNCHER = Path(__file__).with_name("end_with_parent.py")
_POLL_S = 0.02


def start_child(
    command: Sequence[str],
    *,
    signal_at_our_end: signal.Signals,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: IO[bytes] | int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    umask: int = -1,
) -> subprocess.Popen[bytes]:
    """Start a program, named by its whole path, which gets the signal when this process ends, in any way.

    To be called from the main thread (`end_with_parent`). The program has a session of its own: Ctrl-C reaches only the
    service, which ends what it started in order. It gets `environment` beside the service's own, without the service's
    settings, for it needs no secret. What it prints goes to `output`.
    """
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
    return subprocess.Popen(
        [*launcher, str(os.getpid()), str(int(signal_at_our_end)), *command],
        cwd=folder,
        env={**_environment(), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output == subprocess.DEVNULL else subprocess.STDOUT,
        start_new_session=True,
        pass_fds=pass_fds,
        umask=umask,
    )


async def has_ended(process: subprocess.Popen[bytes], within: float) -> bool:
    """Wait for the end of a process; False when it still runs after `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while process.poll() is None:  # noqa: ASYNC110 -- a process sets no Event
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False
    return True


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PROFILELOG_")}
