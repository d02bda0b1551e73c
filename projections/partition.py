"""What the state of every partition has in common: whose log it is of, how far it got, what has still to leave."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Protocol

import msgspec

from projections import keyspace, outbox
from projections.storage import Storage, drop, is_storage_failure
from schemas.errors import DamagedLog, OperatorError, Unfoldable

LAYOUT: Final = 7
NOTHING: Final = -1
# Records that are folded and written together. Their documents fit the processor's cache: in slices of 1,000 an
# event costs a third more.
_SLICE_RECORDS: Final = 100


class Record(Protocol):
    """A record of the log, as the consumer has it."""

    @property
    def offset(self) -> int: ...

    @property
    def key(self) -> bytes: ...

    @property
    def value(self) -> bytes | None: ...


class Origin(msgspec.Struct, array_like=True, frozen=True):
    """Which log a state was folded from. `fingerprint` is the hash key's."""

    log: str
    topic: str
    partition: int
    partitions: int
    fingerprint: str
    layout: int = LAYOUT


def slices(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in the portions that are best folded together."""
    for start in range(0, len(records), _SLICE_RECORDS):
        yield records[start : start + _SLICE_RECORDS]


class ForeignState(OperatorError):
    """A state folder was folded from another log."""


def check_origin(row: bytes, origin: Origin) -> None:
    """Raises `ForeignState` when a state whose origin row this is was folded from another log."""
    if _decode_origin(row) != origin:
        raise ForeignState(
            f"the state folder of {origin.topic}-{origin.partition} was folded from another log, with another "
            "hash key or by another version: start with the log that it belongs to, or remove the folder "
            "`state` and let the service fold it again"
        )


def layout_of(storage: Storage) -> int | None:
    """The layout of a state; None where it was never begun, or cannot be read."""
    row = storage.get(keyspace.ORIGIN)
    origin = None if row is None else _decode_origin(row)
    return None if origin is None else origin.layout


def applied_by(storage: Storage) -> int:
    """The offset up to which a state is folded."""
    row = storage.get(keyspace.APPLIED)
    return NOTHING if row is None else int(row)


def _decode_origin(row: bytes) -> Origin | None:
    try:
        return msgspec.msgpack.decode(row, type=Origin)
    except msgspec.DecodeError:
        return None


def check_end(topic: str, partition: int, applied: int, end: int) -> None:
    """Raises `DamagedLog` when the log of a partition ends before what its state has applied."""
    if applied >= end:
        what = f"it ends there, and its state has applied all up to offset {applied}"
        raise DamagedLog(topic, partition, end, what)


class PartitionState:
    """The state of one partition of one topic.

    `applied` is the offset up to which the log is folded (-1: nothing). `published` is the relay's progress: the
    outputs of every event below it have left. `set_aside` are offsets of records that an operator has decided to pass
    over, `undecoded` is the number of records passed over since it was opened because they could not be decoded.
    `holes` counts where records were missing between those that were folded: compaction was there.
    """

    def __init__(self, storage: Storage, origin: Origin) -> None:
        self.storage = storage
        self.topic = origin.topic
        self.partition = origin.partition
        self.published = 0
        self.set_aside: AbstractSet[int] = frozenset()
        self.undecoded = 0
        self.holes = 0
        self._check(origin)
        self.applied = applied_by(storage)
        # Offset of the last forget that may concern an outbox row; what was there before counts as one.
        self.last_forget = self.applied
        # The same of the last claim or withdrawal.
        self.last_claim = self.applied

    def _check(self, origin: Origin) -> None:
        row = self.storage.get(keyspace.ORIGIN)
        if row is None:
            self.storage.write({keyspace.ORIGIN: msgspec.msgpack.encode(origin)})
            return
        check_origin(row, origin)

    def check_end(self, end: int) -> None:
        """Raises `DamagedLog` when the log ends before what is applied."""
        check_end(self.topic, self.partition, self.applied, end)

    def advance(self, offset: int) -> None:
        """All up to `offset` is read, and compaction has left nothing more to fold there."""
        if offset > self.applied:
            self.holes += 1
            self.storage.write({keyspace.APPLIED: b"%d" % offset})
            self.applied = offset

    def note_holes(self, records: Sequence[Record]) -> None:
        """Consecutive records are about to be folded: whether compaction has left some out before the last of them."""
        if records and records[-1].offset - self.applied != len(records):
            new = sum(record.offset > self.applied for record in records)
            self.holes += new > 0 and records[-1].offset - self.applied != new

    def commit(self, rows: dict[bytes, bytes | None], offset: int) -> None:
        """One atomic write: the rows and, added to them, the offset that they bring the state to."""
        rows[keyspace.APPLIED] = b"%d" % offset
        self.storage.write(rows)
        self.applied = offset

    def resume(self, published: int) -> None:
        """Take over the relay's progress: rows below it have left and are dropped."""
        self.published = published
        drop(self.storage, keyspace.outbox(0), keyspace.outbox(published))

    def outbox_from(
        self, position: outbox.OutboxPosition
    ) -> Iterator[tuple[int, outbox.OutboxRow]]:
        """(offset, row) of what `placed_outbox_from` gives."""
        for (offset, _), row in self.placed_outbox_from(position):
            yield offset, row

    def placed_outbox_from(
        self, position: outbox.OutboxPosition
    ) -> Iterator[tuple[outbox.OutboxPosition, outbox.OutboxRow]]:
        """The outbox rows from a position on, with their positions, in the order in which they must leave.

        Rows below `published` have left, even where others of their pack have not.
        """
        position = max(position, (self.published, 0))
        for _, pack in self.storage.scan(
            keyspace.outbox(*position), keyspace.after(keyspace.OUTBOX)
        ):
            for at, row in outbox.decode(pack):
                if at >= position:
                    yield at, row

    def left(self, published: int) -> None:
        """Everything below `published` has left: remove its packs and make no row below it again."""
        if published > self.published:
            drop(self.storage, keyspace.outbox(self.published), keyspace.outbox(published))
            self.published = published

    def close(self) -> None:
        self.storage.close()


def fold_to_the_bad_one(
    state: PartitionState,
    records: Sequence[Record],
    fold: Callable[[Sequence[Record]], object],
) -> None:
    """Fold consecutive records with `fold`; those before one that cannot be folded are folded all the same.

    Raises `Unfoldable` for that one. What fails of the storage is passed on, for it may succeed later, and so is what
    fails once the records are folded.
    """
    try:
        fold(records)
    except Exception as error:
        if not is_storage_failure(error):
            _stop_at_the_bad_one(state, records, fold)
        raise


def _stop_at_the_bad_one(
    state: PartitionState,
    records: Sequence[Record],
    fold: Callable[[Sequence[Record]], object],
) -> None:
    for record in records:
        if record.offset <= state.applied:
            continue
        try:
            fold([record])
        except Exception as error:
            if is_storage_failure(error) or state.applied >= record.offset:
                raise
            kind = type(error).__name__
            raise Unfoldable(state.topic, state.partition, record.offset, kind) from None
