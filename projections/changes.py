"""The "changed" rows: which profiles the search index has to read again (design "Search index").

A slice of the log leaves one row, written with its fold, because what a row costs is its key. It holds the profile ids,
12 bytes each, of profiles that were changed or erased: nothing else of anybody.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from projections import keyspace
from projections.partition import NOTHING
from projections.storage import Storage, drop

FEW: Final = 32
"""What changes no more profiles at once is no part of a batch."""

_ID_BYTES: Final = 12
_MOST_EARLY: Final = 10_000  # rows; those beyond wait for their turn


class Taken(NamedTuple):
    """Keys of rows, the ids that they name, and whether a row was given before its turn.

    `named` counts ids as often as they are named.
    """

    keys: list[bytes]
    ids: list[str]
    early: bool
    named: int


class ChangedRows:
    """The rows of one partition in the order in which the index reads them.

    First those of single writes, or they would wait behind a batch; then the others, the oldest first. `waiting` counts
    the ids that all of them name.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._read_up_to = NOTHING
        self._few: deque[tuple[bytes, list[str]]] = deque()
        # Given before their turn, and still there.
        self._early: set[bytes] = set()
        self.waiting = 0
        self.look_again()

    def wrote(self, offset: int, ids: list[str]) -> None:
        """A row was written."""
        self.waiting += len(ids)
        if 0 < len(ids) <= FEW and len(self._few) < _MOST_EARLY:
            self._few.append((keyspace.changed(offset), ids))

    def take(self, enough: int) -> Taken:
        """The next rows, up to the one that makes it `enough` profiles.

        Each is given once, until `look_again`.
        """
        keys: list[bytes] = []
        ids: dict[str, None] = {}
        named = 0
        while self._few and len(ids) < enough:
            key, changed = self._few.popleft()
            keys.append(key)
            ids.update(dict.fromkeys(changed))
            named += len(changed)
        self._early.update(keys)
        early = bool(keys)
        if len(ids) < enough:
            named += self._take_in_turn(enough, keys, ids)
        return Taken(keys, list(ids), early, named)

    def _take_in_turn(self, enough: int, keys: list[bytes], ids: dict[str, None]) -> int:
        """Adds to keys and ids what comes next; returns how many ids the rows name."""
        named = 0
        start, stop = keyspace.changed(self._read_up_to + 1), keyspace.after(keyspace.CHANGED)
        for key, row in self._storage.scan(start, stop):
            self._read_up_to = keyspace.changed_offset(key)
            if key in self._early:
                continue
            keys.append(key)
            ids.update(dict.fromkeys(decode(row)))
            named += len(row) // _ID_BYTES
            if len(ids) >= enough:
                break
        return named

    def look_again(self) -> None:
        """Give all rows again that are there."""
        self._read_up_to = NOTHING
        self._few.clear()
        self._early.clear()
        rows = self._storage.scan(*keyspace.bounds(keyspace.CHANGED))
        self.waiting = sum(len(row) for _, row in rows) // _ID_BYTES

    def drop(self, keys: list[bytes], named: int) -> None:
        """What these rows name, so many ids, is in the search index, committed."""
        self._storage.write(dict.fromkeys(keys))
        self._early.difference_update(keys)
        self.waiting -= named

    def drop_all(self) -> None:
        """The search index is built anew from all profiles."""
        drop(self._storage, *keyspace.bounds(keyspace.CHANGED))
        self.look_again()


def encode(ids: Iterable[str]) -> bytes:
    return bytes.fromhex("".join(ids))


def decode(row: bytes) -> list[str]:
    return [row[at : at + _ID_BYTES].hex() for at in range(0, len(row), _ID_BYTES)]
