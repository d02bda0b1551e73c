"""Of which partitions the search index has every profile.

That is kept beside it, for a node may get others while it is away.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

_FILE: Final = "PARTITIONS"


class Coverage:
    """The partitions of the index under a folder; None while that is not known, and the index has to be built."""

    def __init__(self, root: Path) -> None:
        self._file = root / _FILE
        self._partitions: frozenset[int] | None = None

    def read(self) -> None:
        """Look at what the last process has left."""
        try:
            found = msgspec.json.decode(self._file.read_bytes(), type=list[int])
        except (OSError, msgspec.MsgspecError):
            self._partitions = None
        else:
            self._partitions = frozenset(found)

    def is_of(self, partitions: Iterable[int]) -> bool:
        """Whether the index is of exactly these partitions."""
        return self._partitions == frozenset(partitions)

    def begin(self) -> None:
        """The index is built anew."""
        self._partitions = None
        self._file.unlink(missing_ok=True)

    def complete(self, partitions: Iterable[int]) -> None:
        """The index has every profile of these partitions."""
        self._partitions = frozenset(partitions)
        self._file.write_bytes(msgspec.json.encode(sorted(self._partitions)))
