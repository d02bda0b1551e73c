"""What a command reads: a file or a pipe, once.

1. `read` hands out the bytes as they come and keeps a copy: in memory while it is small, then in a temporary file that
   has no name and is gone when the command ends, whatever ends it.
2. The command checks what it reads. A file that cannot be read to its end is refused before anything is sent.
3. `again` hands out the copy, so that what is sent is what was checked.
"""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Final, Self

import typer

from schemas.errors import OperatorError
from schemas.tables.lines import UnreadableTable

_CHUNK: Final = 64 << 10
_IN_MEMORY: Final = 16 << 20
# What cannot always be opened by these names, as where it is a socket, is read as it is.
_STDIN: Final = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}


def check_path(path: Path) -> Path:
    """For an argument that names an input: typer's own check takes no `-` for a `Path`. Raises `BadParameter`."""
    if str(path) not in _STDIN and (not path.exists() or path.is_dir()):
        raise typer.BadParameter(f"there is no file {path}")
    return path


class Input:
    """The bytes of a file or pipe; `-` is the standard input. Use it as a context manager.

    `name` is for messages. `path` is None unless it is a file with a name.
    """

    def __init__(self, path: Path) -> None:
        self.name = "the standard input" if str(path) in _STDIN else str(path)
        self.path: Path | None = None
        self._given = path
        self._files = contextlib.ExitStack()
        self._head = b""

    def __enter__(self) -> Self:
        """Opens it; a named pipe is waited for. Raises `OperatorError`, `OSError`."""
        if str(self._given) in _STDIN:
            self._source = self._files.enter_context(_standard_input())
        else:
            self._source = self._files.enter_context(self._given.open("rb"))
            if stat.S_ISREG(self._status().st_mode):
                self.path = self._given
        self._copy: IO[bytes] = self._files.enter_context(
            tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def is_file(self, path: Path) -> bool:
        """Whether this path names the same file."""
        return path.exists() and os.path.samestat(self._status(), path.stat())

    def head(self) -> bytes:
        """The first bytes, before `read`."""
        self._head = self._head or self._source.read(_CHUNK)
        return self._head

    def read(self) -> Iterator[bytes]:
        """The bytes, and a copy of them kept.

        Raises `OperatorError`: nothing is there, the file has changed meanwhile, or no room for the copy; `OSError`.
        """
        before = self._status()
        chunk = self.head()
        if not chunk:
            raise OperatorError(f"{self.name} is empty: there is nothing to do")
        while chunk:
            self._keep(chunk)
            yield chunk
            chunk = self._source.read(_CHUNK)
        after = self._status()
        unchanged = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if stat.S_ISREG(after.st_mode) and not unchanged:
            raise OperatorError(
                f"{self.name} was written to while it was read, and nothing was sent: start again "
                "when it is complete"
            )

    def again(self) -> Iterator[bytes]:
        """The bytes that were read."""
        self._copy.seek(0)
        while chunk := self._copy.read(_CHUNK):
            yield chunk

    @contextlib.contextmanager
    def refusing(self) -> Generator[None]:
        """An error of a table that cannot be read becomes an `OperatorError` that names the file."""
        try:
            yield
        except UnreadableTable as error:
            raise OperatorError(
                f"{self.name} {error}: mend it and start again. Nothing was sent"
            ) from None

    def _status(self) -> os.stat_result:
        return os.fstat(self._source.fileno())

    def _keep(self, chunk: bytes) -> None:
        try:
            self._copy.write(chunk)
        except OSError as error:
            raise OperatorError(
                f"no room for a copy of {self.name} in {tempfile.gettempdir()} ({error.strerror}), and nothing was "
                "sent: set TMPDIR to a folder that has"
            ) from None


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise OperatorError("the standard input is closed")
    try:
        # A reader of a pipe that does not block would take a pause of the writer for the end.
        os.set_blocking(0, True)
        return open(0, "rb", closefd=False)
    except OSError as error:
        raise OperatorError(f"the standard input cannot be read: {error.strerror}") from None
