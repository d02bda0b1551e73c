"""The command line as a user runs it: a process, its output and its exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.support.service import REPOSITORY

STOP_SECONDS = 10
COMMAND_SECONDS = 60


class Running:
    """A command that goes on until it is stopped, and what it said on stdout when it was ready."""

    def __init__(self, log: Path, *arguments: str, **environment: str) -> None:
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                _command(*arguments),
                cwd=REPOSITORY,
                env=_environment(environment),
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def said(self) -> dict[str, Any]:
        """The JSON document that tells that it is ready; AssertionError when it ends before."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code, which must come within 10 s of the signal."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def logged(self, text: str) -> bool:
        return text in self.log.read_text()


def up(log: Path, data: Path, *more: str, **environment: str) -> Running:
    return Running(log, "up", "--data", str(data), "--port", "0", "--json", *more, **environment)


def run(
    *arguments: str, stdin: str | None = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command once it has ended; `stdin` comes through a pipe."""
    return subprocess.run(
        _command(*arguments),
        cwd=REPOSITORY,
        env=_environment(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def result(*arguments: str, **environment: str) -> Any:
    """What a command prints with --json."""
    done = run(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of a command that was refused: nothing on stdout, no traceback."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "api.command_line.main", *arguments]


def _environment(more: dict[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PROFILELOG_")}
    return inherited | more
