"""What two foldings of one log agree on, however old each is and however much of the log was compacted meanwhile.

Rows agree byte for byte, but for these:

1. `O`, `Q`, `L`, `M`: what has still to leave, to be indexed or to be purged, and how far that is. Not compared.
2. `I`, `J`, `N`, `S`: what idempotency ids have left is removed by later events, once it is too old to count.
   Compaction may take such an event, so only what still counts is compared: until `REPEAT_WINDOW_MS` before the
   time of the log's newest record.
3. `R`, `W`: of a log that is compacted already a later folding finds fewer of the records, profiles and claims that a
   forget has erased. So the live state must name all that a replay names, and may name more; the rest agrees.

A digest is taken of what agrees in any case, so that two auditors get the same of one log.
"""

import struct
from collections.abc import Callable, Generator, Iterator
from functools import partial
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from projections import keyspace
from projections.differences import Difference, How, describe
from projections.receipts import decode_receipt, decode_waiting
from projections.repeats import attempt_time, counts, row_time

LISTED: Final = 100
_SOME_ROWS: Final = 1000


class Rows(Protocol):
    """An ordered map of bytes, for reading."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]: ...


class Agreed(NamedTuple):
    """A row: its key, the part of its value that every folding gives again, and the value."""

    key: bytes
    part: bytes
    value: bytes


_Form: TypeAlias = Callable[[Rows, int, bytes, bytes], bytes | None]
_UNREADABLE: Final = (msgspec.MsgspecError, struct.error)
_lengths: Final = struct.Struct(">HI")
_encode: Final = msgspec.msgpack.Encoder().encode


def agreed(rows: Rows, newest: int) -> Iterator[Agreed]:
    """The rows that every folding gives again, in order of the key.

    `newest` is the time of the newest record of the log, in unix milliseconds.
    """
    for start, stop, form in _SECTIONS:
        if form is None:
            for key, value in rows.scan(start, stop):
                yield Agreed(key, value, value)
            continue
        for key, value in rows.scan(start, stop):
            try:
                part = form(rows, newest, key, value)
            except _UNREADABLE:
                part = value
            if part is not None:
                yield Agreed(key, part, value)


class Digest:
    """What two auditors compare: a hash of the rows that every folding of a log gives again."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16, person=b"profilelog-audit")
        self._parts: list[bytes] = []
        self.rows = 0

    def add(self, row: Agreed) -> None:
        """The next row, in order of the key."""
        key, part, _ = row
        self._parts += (_lengths.pack(len(key), len(part)), key, part)
        self.rows += 1
        if self.rows % _SOME_ROWS == 0:
            self._mix()

    def _mix(self) -> None:
        self._hash.update(b"".join(self._parts))
        self._parts.clear()

    @property
    def text(self) -> str:
        """32 hex digits."""
        self._mix()
        return self._hash.hexdigest()


def digest_of(rows: Rows, newest: int, digest: Digest) -> Generator[None]:
    """Add all rows to the digest; yields now and then, for others to run."""
    for row in agreed(rows, newest):
        digest.add(row)
        if digest.rows % _SOME_ROWS == 0:
            yield


class Comparison:
    """A live state beside a replay of its log up to the same offset.

    `digest` is the live state's. Beyond `LISTED` differences they are only counted.
    """

    def __init__(self) -> None:
        self.digest = Digest()
        self.differences: list[Difference] = []
        self.count = 0

    def run(self, live: Rows, replay: Rows, newest: int) -> Generator[None]:
        """Compare everything; yields now and then, for others to run."""
        left, right = agreed(live, newest), agreed(replay, newest)
        ours, theirs = next(left, None), next(right, None)
        while ours is not None or theirs is not None:
            if theirs is None or (ours is not None and ours.key < theirs.key):
                assert ours is not None
                self._differ("not in the log", ours.key, ours.value, None)
                self.digest.add(ours)
                ours = next(left, None)
                continue
            if ours is None or theirs.key < ours.key:
                self._differ("missing", theirs.key, None, theirs.value)
                theirs = next(right, None)
                continue
            if ours.part != theirs.part or not _explained(ours, theirs):
                self._differ("differs", ours.key, ours.value, theirs.value)
            self.digest.add(ours)
            if self.digest.rows % _SOME_ROWS == 0:
                yield
            ours, theirs = next(left, None), next(right, None)

    def _differ(self, how: How, key: bytes, live: bytes | None, replay: bytes | None) -> None:
        self.count += 1
        if self.count <= LISTED:
            self.differences.append(describe(how, key, live, replay))


# ---------------------------------------------------------------------- what agrees, by the kind of row


def _timed(
    time: Callable[[bytes], int], _: Rows, newest: int, __: bytes, row: bytes
) -> bytes | None:
    return row if counts(time(row), newest) else None


def _way(rows: Rows, newest: int, key: bytes, row: bytes) -> bytes | None:
    """It leads to a first attempt, and counts as long as that does."""
    attempt = rows.get(keyspace.repeat(row.hex(), keyspace.repeated_id(key)))
    return row if attempt is not None and counts(attempt_time(attempt), newest) else None


def _receipt(_: Rows, __: int, ___: bytes, row: bytes) -> bytes:
    known = decode_receipt(row)
    return _encode((known.account, known.profile, known.requested_at, known.offset))


def _waiting(_: Rows, __: int, ___: bytes, row: bytes) -> bytes:
    known = decode_waiting(row)
    return _encode((known.account, known.requested_at, known.user))


_attempt: Final = partial(_timed, attempt_time)
_since: Final = partial(_timed, row_time)
# In order of the key; what is between two sections is not compared.
_SECTIONS: Final[tuple[tuple[bytes, bytes, _Form | None], ...]] = (
    (b"", b"I", None),
    (b"I", b"J", _attempt),
    (b"J", b"K", _way),
    (b"K", b"L", None),
    (b"N", b"O", _since),
    (b"P", b"Q", None),
    (b"R", b"S", _receipt),
    (b"S", b"T", _since),
    (b"T", b"W", None),
    (b"W", b"X", _waiting),
    (b"X", b"\xff", None),
)


def _explained(live: Agreed, replay: Agreed) -> bool:
    """Whether what else two rows say that agree so far is what compaction explains."""
    if live.value == replay.value:
        return True
    match live.key[:1]:
        case b"R":
            return _receipt_explained(live.value, replay.value)
        case b"W":
            return _waiting_explained(live.value, replay.value)
        case _:
            return False


def _receipt_explained(live: bytes, replay: bytes) -> bool:
    ours, theirs = decode_receipt(live), decode_receipt(replay)
    erased = set(ours.erased)
    return (
        live == _encode(ours)
        and erased.issuperset(theirs.erased)
        and len(erased) == len(ours.erased)
        and all(0 <= offset < ours.offset for offset in erased)
        and ours.events == max(theirs.events, len(erased))
    )


def _waiting_explained(live: bytes, replay: bytes) -> bool:
    ours, theirs = decode_waiting(live), decode_waiting(replay)
    return (
        live == _encode(ours)
        and set(ours.ids).issuperset(theirs.ids)
        and set(ours.claims).issuperset(theirs.claims)
    )
