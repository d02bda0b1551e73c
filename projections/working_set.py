"""What one chunk of records reads and writes: the rows of a partition, over its storage, until they are written.

Reads see what the chunk has written so far. Nothing is written to the storage from here: `rows` is handed to one
atomic write by the owner of the partition.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import NamedTuple

from projections import changes, keyspace, outbox
from projections.profile import Profile
from projections.storage import Storage


class Move(NamedTuple):
    """A profile, by its id, left the company `before` for the company `after`."""

    profile: str
    before: str | None
    after: str | None


class WorkingSet:
    """`published` is the progress of the relay: outputs of events below it have left, none is made again.

    `has_gone` says whether any company may be gone, as far as the log of this partition says.
    """

    def __init__(self, storage: Storage, published: int, *, has_gone: bool = True) -> None:
        self._storage = storage
        self._published = published
        self.has_gone = has_gone
        self._profiles: dict[bytes, Profile | None] = {}
        self._users: dict[str, bytes | None] = {}
        self._changed: dict[bytes, Profile] = {}
        self.erased: list[str] = []
        self._noted: list[str] = []
        self._outbox = outbox.Packer()
        self._read: dict[bytes, bytes | None] = {}
        self._rows: dict[bytes, bytes | None] = {}
        self.has_waiting = False
        self.moves: list[Move] = []
        self.last_claim = -1

    def prefetch(self, users: Iterable[bytes], ids: Iterable[str]) -> None:
        """Read the profiles of many users and ids at once; what is not prefetched is read when asked for."""
        named = list(dict.fromkeys(ids))
        found = self._storage.get_many([keyspace.user(id_) for id_ in named])
        self._users.update(zip(named, found, strict=True))
        wanted = list(dict.fromkeys([*users, *filter(None, found)]))
        rows = self._storage.get_many([keyspace.document(user) for user in wanted])
        for user, row in zip(wanted, rows, strict=True):
            self._profiles[user] = None if row is None else Profile.decode(user, row)

    def prefetch_rows(self, keys: Iterable[bytes]) -> None:
        """Read many other rows at once."""
        wanted = list(dict.fromkeys(keys))
        self._read.update(zip(wanted, self._storage.get_many(wanted), strict=True))

    def profile(self, user: bytes) -> Profile | None:
        """The profile of the user with this keyed uid hash."""
        if user not in self._profiles:
            row = self._storage.get(keyspace.document(user))
            self._profiles[user] = None if row is None else Profile.decode(user, row)
        return self._profiles[user]

    def profile_by_id(self, id_: str) -> Profile | None:
        if id_ not in self._users:
            self._users[id_] = self._storage.get(keyspace.user(id_))
        user = self._users[id_]
        return None if user is None else self.profile(user)

    def add(self, profile: Profile) -> None:
        """A new profile: the user has none."""
        self._users[profile.id] = profile.user
        self._rows[keyspace.user(profile.id)] = profile.user
        self._profiles[profile.user] = self._changed[profile.user] = profile

    def save(self, profile: Profile) -> None:
        """The profile was changed: its row is written with the chunk."""
        self._changed[profile.user] = profile

    def note(self, profile: Profile) -> None:
        """What a search finds of the profile was changed, and not its document."""
        self._noted.append(profile.id)

    def erase(self, profile: Profile) -> None:
        """Remove a profile's document and its id; history and the rest are the caller's."""
        self._profiles[profile.user] = self._users[profile.id] = None
        self._changed.pop(profile.user, None)
        self.erased.append(profile.id)
        self._rows[keyspace.document(profile.user)] = None
        self._rows[keyspace.user(profile.id)] = None

    def get(self, key: bytes) -> bytes | None:
        if key in self._rows:
            return self._rows[key]
        return self._read[key] if key in self._read else self._storage.get(key)

    def get_own(self, key: bytes) -> bytes | None:
        """A row as far as this chunk has written it: for rows that no chunk before can have written."""
        return self._rows.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self._rows[key] = value

    def put_waiting(self, key: bytes, value: bytes) -> None:
        """A row of what waits to be purged."""
        self._rows[key] = value
        self.has_waiting = True

    def put_gone(self, company: str) -> None:
        """Nobody joins the company any more."""
        self._rows[keyspace.gone(company)] = b""
        self.has_gone = True

    def is_gone(self, company: str) -> bool:
        return self.has_gone and self.get(keyspace.gone(company)) is not None

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

    def scan_some(self, start: bytes, stop: bytes, count: int) -> Iterator[tuple[bytes, bytes]]:
        """The first `count` rows of `scan`, however many there are; they may be deleted meanwhile."""
        own = sorted(key for key in self._rows if start <= key < stop)
        stored = (key for key, _ in self._storage.scan(start, stop) if key not in self._rows)
        live = (key for key in merge(own, stored) if self._rows.get(key, b"") is not None)
        for key in list(islice(live, count)):
            row = self.get(key)
            assert row is not None
            yield key, row

    def publishes(self, offset: int) -> bool:
        """Whether what follows from the event at this offset has still to leave."""
        return offset >= self._published

    def emit(self, offset: int, row: outbox.OutboxRow) -> None:
        """Add a row to the outbox, unless the event's outputs have left already."""
        if offset < self._published:
            return
        self._outbox.add(offset, row)
        if self._outbox.full:
            self._put_pack()

    def emit_claim(self, offset: int, row: outbox.Claim | outbox.Withdrawal) -> None:
        """Add a row about a claim."""
        self.last_claim = offset
        self.emit(offset, row)

    def put_changed(self, offset: int) -> list[str]:
        """One row, under the last record's offset, for all that the search index has to read again.

        Returns their ids.
        """
        ids = [*(profile.id for profile in self._changed.values()), *self._noted, *self.erased]
        if ids:
            self._rows[keyspace.changed(offset)] = changes.encode(ids)
        return ids

    def _put_pack(self) -> None:
        taken = self._outbox.take()
        if taken is not None:
            position, pack = taken
            self._rows[keyspace.outbox(*position)] = pack

    def rows(self) -> dict[bytes, bytes | None]:
        """All rows to write; None deletes."""
        for user, profile in self._changed.items():
            self._rows[keyspace.document(user)] = profile.encode()
        self._changed.clear()
        self._put_pack()
        return self._rows
