"""The file of the lines that an import did not take."""

import contextlib
import os
from pathlib import Path
from typing import Self

import msgspec

from api.command_line.import_file import Line
from schemas.errors import OperatorError


class Rejects:
    """``users.rejected.ndjson``: a line for each that was not taken, with its number, code, reason and text.

    It holds what users are known by, so only its owner may read it; it is there only when something was rejected. Use
    it as a context manager.
    """

    def __init__(self, source: Path, path: Path | None) -> None:
        self.path = path or source.with_suffix(".rejected.ndjson")
        self.count = 0
        self._files = contextlib.ExitStack()
        self._source = source

    def __enter__(self) -> Self:
        """Raises `OperatorError` rather than write over the source."""
        if self.path.resolve() == self._source.resolve():
            raise OperatorError("--rejected names the file to import: name another one")
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    @property
    def written(self) -> str | None:
        """The file's name, when there is one."""
        return str(self.path) if self.count else None

    def add(self, line: Line, code: int, reason: str) -> None:
        """A line that was not taken; `code` as in the contract's errors."""
        if not self.count:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            file = os.fdopen(os.open(self.path, flags, mode=0o600), "wb")
            self._file = self._files.enter_context(file)
        self.count += 1
        said = {"line": line.number, "code": code, "reason": reason, "text": line.text}
        self._file.write(msgspec.json.encode(said) + b"\n")
