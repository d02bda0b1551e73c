"""The file of the lines that an import did not take."""

import os
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from api.command_line.import_file import Line
from api.command_line.input_file import Input
from schemas.errors import OperatorError

_SUFFIX: Final = ".rejected.ndjson"
_OF_A_PIPE: Final = Path(f"import{_SUFFIX}")


class Rejects:
    """``users.rejected.ndjson``: a line for each that was not taken, with its number, code, reason and text.

    It holds what users are known by, so only its owner may read it. It is opened before anything is sent, and removed
    when nothing was rejected. What `path` names and is no file, such as a pipe, is written to as it is. Use it as a
    context manager.
    """

    def __init__(self, source: Input, path: Path | None) -> None:
        beside = _OF_A_PIPE if source.path is None else source.path.with_suffix(_SUFFIX)
        self.path = path or beside
        self.count = 0
        self._source = source
        self._own = not self.path.exists() or self.path.is_file()

    def __enter__(self) -> Self:
        """Raises `OperatorError` rather than write over the source, and where it cannot write."""
        if self._source.is_file(self.path):
            raise OperatorError("--rejected names the file to import: name another one")
        try:
            self._file = self._opened()
        except OSError as error:
            raise self._unwritable(error) from None
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            if self._own and not self.count:
                self.path.unlink(missing_ok=True)

    @property
    def written(self) -> str | None:
        """The file's name, when there is one."""
        return str(self.path) if self.count else None

    def add(self, line: Line, code: int, reason: str) -> None:
        """A line that was not taken; `code` as in the contract's errors. Raises `OperatorError`."""
        self.count += 1
        rejected = {"line": line.number, "code": code, "reason": reason, "text": line.text}
        try:
            self._file.write(msgspec.json.encode(rejected) + b"\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _opened(self) -> IO[bytes]:
        flags = os.O_WRONLY
        if self._own:
            self.path.unlink(missing_ok=True)
            flags |= os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self.path, flags, mode=0o600), "wb")

    def _unwritable(self, error: OSError) -> OperatorError:
        return OperatorError(
            f"{self.path} cannot be written ({error.strerror}): name another file with --rejected"
        )
