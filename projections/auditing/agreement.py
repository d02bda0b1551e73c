"""What two foldings of one log agree on, however old each is and however much of the log was compacted meanwhile.

Rows agree byte for byte, but for these:

1. `OUTBOX`, `TOMBSTONES`, `CHANGED`, `LATE`, `META` (`projections.keyspace`): what has still to leave, to be indexed
   or to be purged, and how far that is. Not compared.
2. `REPEATS`, `REPEATED`, `OPENED`, `SPENT`: what idempotency ids have left is removed by later events, once it is too
   old to count. Compaction may take such an event, so only what still counts is compared: until `REPEAT_WINDOW_MS`
   before the time of the log's newest record.
3. `RECEIPTS`, `WAITING`: of a log that is compacted already a later folding finds fewer of the records that a forget
   has erased. So a live receipt must name all records that a replay names, and may name more. Which other profiles
   and which claims wait to be purged is not compared: of a user who is half compacted a replay makes other ones.

A digest is taken of what agrees in any case, so that two auditors get the same of one log.
"""

import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from hashlib import blake2b
from itertools import chain, islice
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from projections import keyspace
from projections.auditing.differences import Difference, How, describe
from projections.auditing.lost_records import LostRecords
from projections.receipts import decode_receipt, decode_waiting
from projections.repeats import attempt_time, counts, row_time

LISTED: Final = 100
_encode: Final = msgspec.msgpack.Encoder().encode
_SOME_ROWS: Final = 1000


class Rows(Protocol):
    """An ordered map of bytes, for reading."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]: ...


Row: TypeAlias = tuple[bytes, bytes]


class Section(NamedTuple):
    """Rows with start <= key < stop.

    `counts` says whether a row is compared, by the time of the log's newest record; without it all are. `part` is what
    every folding gives again of a value; without it that is all of it. `explained` says whether compaction explains
    that the rest of two values is different, the live state's and a replay's.
    """

    start: bytes
    stop: bytes
    counts: "Callable[[Rows, int, Row], bool] | None" = None
    part: "Callable[[bytes], bytes] | None" = None
    explained: "Callable[[bytes, bytes], bool] | None" = None

    def rows(self, rows: Rows, newest: int) -> Iterator[Row]:
        """What is compared, in order of the key."""
        found = rows.scan(self.start, self.stop)
        counts_ = self.counts
        return found if counts_ is None else (row for row in found if counts_(rows, newest, row))

    def agreed(self, row: Row) -> Row:
        """The row, with the part of its value that every folding gives again; all of it where it cannot be read."""
        if self.part is None:
            return row
        try:
            return row[0], self.part(row[1])
        except msgspec.MsgspecError:
            return row

    def same(self, live: bytes, replay: bytes) -> bool:
        """Whether the log explains both values of a row."""
        if live == replay or self.explained is None:
            return live == replay
        try:
            return self.explained(live, replay)
        except msgspec.MsgspecError:
            return False


class Digest:
    """What two auditors compare: a hash of the rows that every folding of a log gives again."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16, person=b"profilelog-audit")
        self._rows: list[Row] = []
        self.rows = 0

    def add(self, section: Section, rows: Iterable[Row]) -> None:
        """The next rows, in order of the key."""
        before = len(self._rows)
        self._rows += rows if section.part is None else map(section.agreed, rows)
        self.rows += len(self._rows) - before
        while len(self._rows) >= _SOME_ROWS:
            self._mix(self._rows[:_SOME_ROWS])
            del self._rows[:_SOME_ROWS]

    def _mix(self, rows: list[Row]) -> None:
        """As many at once as there can be, for its cost: so a hash is of the same number of rows each time."""
        fields = [field for row in rows for field in row]
        self._hash.update(struct.pack(f">{len(fields)}I", *map(len, fields)))
        self._hash.update(b"".join(fields))

    def text(self) -> str:
        """32 hex digits, when all rows are there."""
        self._mix(self._rows)
        self._rows.clear()
        return self._hash.hexdigest()


def digest_of(rows: Rows, newest: int, digest: Digest) -> Generator[None]:
    """Add all rows to the digest; yields now and then, for others to run.

    `newest` is the time of the newest record of the log, in unix milliseconds.
    """
    for section in SECTIONS:
        found = section.rows(rows, newest)
        while some := list(islice(found, _SOME_ROWS)):
            digest.add(section, some)
            yield


class Comparison:
    """A live state beside a replay of its log up to the same offset.

    `digest` is the live state's. Beyond `LISTED` differences they are only counted. `lost` has those that the log has
    not, whether listed or not.
    """

    def __init__(self) -> None:
        self.digest = Digest()
        self.differences: list[Difference] = []
        self.count = 0
        self.lost = LostRecords()

    def run(self, live: Rows, replay: Rows, newest: int) -> Generator[None]:
        """Compare everything; yields now and then, for others to run.

        `newest` is the time of the newest record of the log, in unix milliseconds.
        """
        for section in SECTIONS:
            left, right = section.rows(live, newest), section.rows(replay, newest)
            while True:
                ours, theirs = list(islice(left, _SOME_ROWS)), list(islice(right, _SOME_ROWS))
                if ours != theirs:
                    yield from self._one_by_one(section, chain(ours, left), chain(theirs, right))
                    break
                if not ours:
                    break
                self.digest.add(section, ours)
                yield

    def _one_by_one(
        self, section: Section, left: Iterator[Row], right: Iterator[Row]
    ) -> Generator[None]:
        ours, theirs = next(left, None), next(right, None)
        while ours is not None or theirs is not None:
            if theirs is None or (ours is not None and ours[0] < theirs[0]):
                assert ours is not None
                self._differ("not in the log", ours[0], ours[1], None)
                self.digest.add(section, [ours])
                ours = next(left, None)
            elif ours is None or theirs[0] < ours[0]:
                self._differ("missing", theirs[0], None, theirs[1])
                theirs = next(right, None)
            else:
                if not section.same(ours[1], theirs[1]):
                    self._differ("differs", ours[0], ours[1], theirs[1])
                self.digest.add(section, [ours])
                ours, theirs = next(left, None), next(right, None)
            if self.digest.rows % _SOME_ROWS == 0:
                yield

    def _differ(self, how: How, key: bytes, live: bytes | None, replay: bytes | None) -> None:
        self.count += 1
        if self.count > LISTED and how != "not in the log":
            return
        difference = describe(how, key, live, replay)
        if self.count <= LISTED:
            self.differences.append(difference)
        if how == "not in the log":
            self.lost.add(difference)


# ---------------------------------------------------------------------- what agrees, by the kind of row


def _since(time: Callable[[bytes], int], _: Rows, newest: int, row: Row) -> bool:
    """Whether an idempotency id of that time still counts; what cannot be read is compared."""
    try:
        return counts(time(row[1]), newest)
    except struct.error:
        return True


_attempt_counts: Final = partial(_since, attempt_time)
_id_counts: Final = partial(_since, row_time)


def _way_counts(rows: Rows, newest: int, row: Row) -> bool:
    """A row that leads to a first attempt counts as long as that does."""
    key = keyspace.repeat(row[1].hex(), keyspace.repeated_id(row[0]))
    attempt = rows.get(key)
    return attempt is not None and _attempt_counts(rows, newest, (key, attempt))


def _receipt(row: bytes) -> bytes:
    known = decode_receipt(row)
    return _encode((known.account, known.profile, known.requested_at, known.offset))


def _receipt_explained(live: bytes, replay: bytes) -> bool:
    ours, theirs = decode_receipt(live), decode_receipt(replay)
    erased = set(ours.erased)
    return (
        live == _encode(ours)
        and _receipt(live) == _receipt(replay)
        and erased.issuperset(theirs.erased)
        and len(erased) == len(ours.erased)
        and all(0 <= offset < ours.offset for offset in erased)
        and ours.events == max(theirs.events, len(erased))
    )


def _waiting(row: bytes) -> bytes:
    known = decode_waiting(row)
    return _encode((known.account, known.requested_at, known.user, known.ids[:1]))


def _waiting_explained(live: bytes, replay: bytes) -> bool:
    return live == _encode(decode_waiting(live)) and _waiting(live) == _waiting(replay)


_NOT_COMPARED: Final = (
    keyspace.OUTBOX,
    keyspace.TOMBSTONES,
    keyspace.CHANGED,
    keyspace.LATE,
    keyspace.META,
)
_BY_A_RULE: Final = {
    section.start: section
    for section in (
        Section(*keyspace.bounds(keyspace.REPEATS), counts=_attempt_counts),
        Section(*keyspace.bounds(keyspace.REPEATED), counts=_way_counts),
        Section(*keyspace.bounds(keyspace.OPENED), counts=_id_counts),
        Section(*keyspace.bounds(keyspace.SPENT), counts=_id_counts),
        Section(*keyspace.bounds(keyspace.RECEIPTS), part=_receipt, explained=_receipt_explained),
        Section(*keyspace.bounds(keyspace.WAITING), part=_waiting, explained=_waiting_explained),
    )
}


def _sections() -> Iterator[Section]:
    """What has a rule of its own, and between that all the rest, kinds of rows included that nobody knows."""
    start = b""
    for prefix in sorted((*_BY_A_RULE, *_NOT_COMPARED)):
        if start < prefix:
            yield Section(start, prefix)
        if prefix in _BY_A_RULE:
            yield _BY_A_RULE[prefix]
        start = keyspace.after(prefix)
    yield Section(start, b"\xff")


# In order of the key; what is between two sections is not compared.
SECTIONS: Final = tuple(_sections())
