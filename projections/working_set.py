"""What one chunk of records reads and writes: the rows of a partition, over its storage, until they are written.

Reads see what the chunk has written so far. Nothing is written to the storage from here: `rows` is handed to one
atomic write by who owns the partition.
"""

from collections.abc import Iterable, Iterator

from projections import keyspace, outbox
from projections.profile import Profile
from projections.storage import Storage


class WorkingSet:
    """`published` is the progress of the relay: outputs of events below it have left, none is made again."""

    def __init__(self, storage: Storage, published: int) -> None:
        self._storage = storage
        self._published = published
        self._profiles: dict[str, Profile | None] = {}
        self._users: dict[bytes, str | None] = {}
        self._touched: dict[str, None] = {}
        self._place = (-1, 0)
        self._rows: dict[bytes, bytes | None] = {}
        self.has_waiting = False

    def prefetch(self, users: Iterable[bytes], ids: Iterable[str]) -> None:
        """Read the profiles of many users and ids at once; what is not prefetched is read when asked for."""
        hashes = list(dict.fromkeys(users))
        found = self._storage.get_many([keyspace.user(user) for user in hashes])
        for user, id_ in zip(hashes, found, strict=True):
            self._users[user] = None if id_ is None else id_.hex()
        wanted = list(
            dict.fromkeys([*ids, *(id_ for id_ in self._users.values() if id_ is not None)])
        )
        rows = self._storage.get_many([keyspace.document(id_) for id_ in wanted])
        for id_, row in zip(wanted, rows, strict=True):
            self._profiles[id_] = None if row is None else Profile.decode(id_, row)

    def profile(self, id_: str) -> Profile | None:
        if id_ not in self._profiles:
            row = self._storage.get(keyspace.document(id_))
            self._profiles[id_] = None if row is None else Profile.decode(id_, row)
        return self._profiles[id_]

    def id_of(self, user: bytes) -> str | None:
        if user not in self._users:
            row = self._storage.get(keyspace.user(user))
            self._users[user] = None if row is None else row.hex()
        return self._users[user]

    def save(self, profile: Profile) -> None:
        """The profile was changed: its row is written with the chunk."""
        self._profiles[profile.id] = profile
        self._touched[profile.id] = None

    def link(self, user: bytes, id_: str) -> None:
        self._users[user] = id_
        self._rows[keyspace.user(user)] = bytes.fromhex(id_)

    def erase(self, profile: Profile) -> None:
        """Remove a profile's document and its user; history and the rest are the caller's."""
        self._profiles[profile.id] = None
        self._touched.pop(profile.id, None)
        self._rows[keyspace.document(profile.id)] = None
        self._users[profile.header.user] = None
        self._rows[keyspace.user(profile.header.user)] = None

    def get(self, key: bytes) -> bytes | None:
        return self._rows[key] if key in self._rows else self._storage.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self._rows[key] = value

    def put_waiting(self, key: bytes, value: bytes) -> None:
        """A row of what waits to be purged."""
        self._rows[key] = value
        self.has_waiting = True

    def delete(self, key: bytes) -> None:
        self._rows[key] = None

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop, in order of the key, this chunk's own included."""
        rows: dict[bytes, bytes | None] = dict(self._storage.scan(start, stop))
        rows.update((key, row) for key, row in self._rows.items() if start <= key < stop)
        for key in sorted(rows):
            row = rows[key]
            if row is not None:
                yield key, row

    def publishes(self, offset: int) -> bool:
        """Whether what follows from the event at this offset has still to leave."""
        return offset >= self._published

    def emit(self, offset: int, row: outbox.OutboxRow) -> None:
        """Add a row to the outbox, unless the event's outputs have left already."""
        if offset < self._published:
            return
        number = self._place[1] + 1 if self._place[0] == offset else 0
        self._place = (offset, number)
        self._rows[keyspace.outbox(offset, number)] = outbox.encode(row)

    def rows(self) -> dict[bytes, bytes | None]:
        """All rows to write; None deletes."""
        for id_ in self._touched:
            profile = self._profiles[id_]
            if profile is not None:
                self._rows[keyspace.document(id_)] = profile.encode()
        self._touched.clear()
        return self._rows
