"""Kafka's classes, loaded beforehand: Java's ahead-of-time cache, by which Kafka starts in a third of the time.

A training run makes it, once for each Java and set of jars on a machine: a Kafka on a folder of its own starts, is
stopped, and Java writes what it had loaded. It takes some 10 s of a processor that nobody else wants, beside the broker
that runs. Nothing of a data folder gets into it.

A file that does not fit (another Java, other jars, a damaged one) is passed over by Java, which then starts as without.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from streams.broker.java import Java
from streams.clock import unix_ms

OLDEST_JAVA: Final = 25
"""The first whose cache holds what it has learned of the methods too."""

NICENESS: Final = 19
"""A training run takes what nobody else wants of the processors."""

_UNUSED_SECONDS: Final = 30 * 24 * 3600
_OTHERS_MAY_WRITE: Final = 0o022


def cache_folder() -> Path:
    """Where the files lie, for all data folders of a user: `profilelog` in XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "profilelog"


class ClassCache:
    """The file for one Java, one set of jars and Java's options."""

    def __init__(self, java: Java, jars: Sequence[Path], options: Sequence[str]) -> None:
        self._folder = cache_folder()
        self._can_be_made = (java.version or 0) >= OLDEST_JAVA
        # Java compares the jars' times and sizes too, and does without a file that is of others.
        parts = [*options, *map(_identity, (java.path, *jars))]
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
        self.file = self._folder / f"kafka-{name}.aot"

    def is_wanted(self) -> bool:
        """Whether a training run would be of use."""
        return self._can_be_made and not self.file.exists()

    def options(self) -> list[str]:
        """For a start of Java: none where there is no file, or one that somebody else could have written."""
        if not self._can_be_made or not _is_ours(self.file):
            return []
        os.utime(self.file)  # it is in use, see `_drop_unused`
        return [f"-XX:AOTCache={self.file}"]

    @contextlib.contextmanager
    def training_folder(self) -> Generator[Path | None]:
        """An empty folder for a training run, until the block ends; None where another process has one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self._folder / "training"
        with (self._folder / "training.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield None
                return
            shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
            folder.mkdir(mode=0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def keep(self, made: Path) -> None:
        """Put a file that was made in its place, and remove those that no start has used for a month."""
        made.replace(self.file)
        _drop_unused(self._folder)


def recording(folder: Path) -> list[str]:
    """Java's options for a run whose loaded classes are written down at its end."""
    return ["-XX:AOTMode=record", f"-XX:AOTConfiguration={_recorded(folder)}"]


def creation(folder: Path) -> tuple[list[str], Path]:
    """Java's options to make a file of what `recording` has written down, and that file."""
    made = folder / "made.aot"
    options = ["-XX:AOTMode=create", f"-XX:AOTConfiguration={_recorded(folder)}"]
    return [*options, f"-XX:AOTCache={made}"], made


def _recorded(folder: Path) -> Path:
    return folder / "loaded.aotconf"


def _identity(path: Path) -> str:
    found = path.stat()
    return f"{path} {found.st_size} {found.st_mtime_ns}"


def _is_ours(file: Path) -> bool:
    try:
        found = [file.stat(), file.parent.stat()]
    except FileNotFoundError:
        return False
    return all(
        each.st_uid == os.geteuid() and not each.st_mode & _OTHERS_MAY_WRITE for each in found
    )


def _drop_unused(folder: Path) -> None:
    oldest = unix_ms() / 1000 - _UNUSED_SECONDS
    for each in folder.glob("kafka-*.aot"):
        with contextlib.suppress(FileNotFoundError):
            if each.stat().st_mtime < oldest:
                each.unlink()
