"""`projections.storage.Storage` without a disk, which can be copied and put back to what it was."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence

Snapshot = Mapping[bytes, bytes]


class MemoryStorage:
    """An ordered map of bytes; `snapshot` and `restore` are what a power cut needs."""

    def __init__(self, rows: Snapshot | None = None) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self.restore({} if rows is None else rows)

    def get(self, key: bytes) -> bytes | None:
        return self._rows.get(key)

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self._rows.get(key) for key in keys]

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop as they are now, whatever is written while they are read."""
        keys = self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]
        return iter([(key, self._rows[key]) for key in keys])

    def scan_back(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The rows of `scan`, the last one first."""
        return reversed(list(self.scan(start, stop)))

    def write(self, rows: Mapping[bytes, bytes | None]) -> None:
        for key, value in rows.items():
            if value is None:
                self._delete(key)
            else:
                if key not in self._rows:
                    insort(self._keys, key)
                self._rows[key] = value

    def purge(self, prefixes: Sequence[bytes]) -> bool:  # noqa: ARG002 - a storage's signature
        """Nothing of a deleted row is kept anyway."""
        return True

    def close(self) -> None:
        """Nothing is open."""

    def snapshot(self) -> Snapshot:
        """All rows as they are now."""
        return self._rows.copy()

    def restore(self, snapshot: Snapshot) -> None:
        """All rows become what they were."""
        self._rows = dict(snapshot)
        self._keys = sorted(snapshot)

    def _delete(self, key: bytes) -> None:
        if self._rows.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]
