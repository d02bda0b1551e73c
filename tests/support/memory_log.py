"""Kafka's log in memory: offsets, transactions with their markers, fencing, and compaction that may stop half-way.

What is true of it is what the protocol relies on in Kafka:

- A transaction's end leaves a marker in each partition that it wrote to, and the marker takes an offset.
- A reader of committed records stops before the first record of an open transaction and is never shown an aborted
  one.
- `init` of a transactional id fences whoever had it before and aborts what was open.
- Compaction keeps the last record of a key; a tombstone outlives one pass; the last record of a partition stays,
  because its segment is still written to; nothing at or behind an open transaction is touched.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple


class Fenced(Exception):
    """Another producer has taken the transactional id over, or the transaction took too long."""


class Record(NamedTuple):
    offset: int
    key: bytes
    value: bytes | None


class Transaction:
    """`began` is the log's time, in records appended, when it was begun."""

    def __init__(self, began: int) -> None:
        self.began = began
        self.state: Literal["open", "committed", "aborted"] = "open"
        self.partitions: dict[Partition, int] = {}


class Entry:
    """A record where it stands. `cleaned`: a pass of the cleaner has kept this tombstone once."""

    __slots__ = ("cleaned", "record", "transaction")

    def __init__(self, record: Record, transaction: Transaction | None) -> None:
        self.record = record
        self.transaction = transaction
        self.cleaned = False

    @property
    def committed(self) -> bool:
        return self.transaction is None or self.transaction.state == "committed"

    @property
    def aborted(self) -> bool:
        return self.transaction is not None and self.transaction.state == "aborted"


class Partition:
    """One partition of a topic. `history` keeps what compaction took from `entries`; only tests look at it."""

    def __init__(self) -> None:
        self.end = 0
        self.entries: list[Entry] = []
        self.history: list[Entry] = []
        self._offsets: list[int] = []
        self._open: dict[Transaction, int] = {}

    def append(
        self, key: bytes, value: bytes | None, transaction: Transaction | None = None
    ) -> int:
        offset = self.end
        entry = Entry(Record(offset, key, value), transaction)
        self.entries.append(entry)
        self.history.append(entry)
        self._offsets.append(offset)
        if transaction is not None and transaction not in self._open:
            self._open[transaction] = offset
            transaction.partitions[self] = offset
        self.end += 1
        return offset

    def ended(self, transaction: Transaction) -> None:
        """The transaction's marker is written."""
        del self._open[transaction]
        self.end += 1

    @property
    def stable_end(self) -> int:
        """Kafka's last stable offset: where a reader of committed records has to stop."""
        return min(self._open.values(), default=self.end)

    def read(self, position: int, count: int) -> list[Record]:
        """At most `count` committed records from the position on."""
        if position >= self.end:
            return []
        stop = self.stable_end
        found: list[Record] = []
        for entry in self.entries[bisect_left(self._offsets, position) :]:
            if entry.record.offset >= stop or len(found) == count:
                break
            if entry.committed:
                found.append(entry.record)
        return found

    def committed(self) -> list[Record]:
        """What a reader of committed records finds who starts at the beginning now."""
        return self.read(0, self.end)

    def once_committed(self, start: int = 0) -> Iterator[Record]:
        """Every committed record that was ever appended, compacted or not, from index `start` of the history on."""
        return (entry.record for entry in self.history[start:] if entry.committed)

    def compact(self, keys_below: int, segments_below: int, tombstones_below: int) -> None:
        """One pass of the cleaner.

        It has looked at the keys of the records below `keys_below`, and swapped the segments below
        `segments_below` when it was stopped. A tombstone below `tombstones_below` is older than Kafka's
        `delete.retention.ms`, and goes when an earlier pass has kept it.
        """
        keys_below = min(keys_below, self.end - 1, self.stable_end)
        segments_below = min(segments_below, keys_below)
        last = {
            entry.record.key: entry.record.offset
            for entry in self.entries
            if entry.record.offset < keys_below and entry.committed
        }
        newest = self.entries[-1:]
        self.entries = [
            entry
            for entry in self.entries
            if entry in newest
            or entry.record.offset >= segments_below
            or self._survives(entry, last, tombstones_below)
        ]
        self._offsets = [entry.record.offset for entry in self.entries]

    @staticmethod
    def _survives(entry: Entry, last: dict[bytes, int], tombstones_below: int) -> bool:
        if entry.aborted or last[entry.record.key] > entry.record.offset:
            return False
        if entry.record.value is None:
            if entry.cleaned and entry.record.offset < tombstones_below:
                return False
            entry.cleaned = True
        return True


class _Coordinated:
    """What the transaction coordinator knows of one transactional id."""

    def __init__(self) -> None:
        self.epoch = 0
        self.open: Transaction | None = None


class MemoryLog:
    """All topics. `time` counts the records appended so far."""

    def __init__(self) -> None:
        self.time = 0
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._producers: dict[str, _Coordinated] = {}

    def partition(self, topic: str, number: int) -> Partition:
        partition = self._partitions.get((topic, number))
        if partition is None:
            partition = self._partitions[topic, number] = Partition()
        return partition

    def partitions(self) -> Iterable[tuple[tuple[str, int], Partition]]:
        """(topic, number) and partition of all that were ever used."""
        return self._partitions.items()

    def append(self, topic: str, number: int, key: bytes, value: bytes | None) -> int:
        """An append outside of transactions; returns its offset."""
        self.time += 1
        return self.partition(topic, number).append(key, value)

    def init(self, transactional_id: str) -> int:
        """Take the transactional id over; returns the epoch that is from now on the only one to write."""
        producer = self._producers.setdefault(transactional_id, _Coordinated())
        self._end(producer, commit=False)
        producer.epoch += 1
        return producer.epoch

    def begin(self, transactional_id: str, epoch: int) -> Transaction:
        """Begin a transaction. Raises `Fenced`."""
        producer = self._current(transactional_id, epoch)
        self.time += 1
        producer.open = Transaction(self.time)
        return producer.open

    def send(
        self,
        transactional_id: str,
        epoch: int,
        record: tuple[str, int, bytes, bytes | None],
    ) -> None:
        """Append (topic, partition, key, value) in the open transaction. Raises `Fenced`."""
        producer = self._current(transactional_id, epoch)
        topic, number, key, value = record
        self.time += 1
        self.partition(topic, number).append(key, value, producer.open)

    def commit(self, transactional_id: str, epoch: int) -> None:
        """Raises `Fenced`."""
        self._end(self._current(transactional_id, epoch), commit=True)

    def time_out(self, transactional_id: str) -> bool:
        """The coordinator aborts what is open and fences who opened it. False when nothing is."""
        producer = self._producers.get(transactional_id)
        if producer is None or producer.open is None:
            return False
        self._end(producer, commit=False)
        producer.epoch += 1
        return True

    def _current(self, transactional_id: str, epoch: int) -> _Coordinated:
        producer = self._producers[transactional_id]
        if producer.epoch != epoch:
            raise Fenced(transactional_id)
        return producer

    @staticmethod
    def _end(producer: _Coordinated, *, commit: bool) -> None:
        transaction, producer.open = producer.open, None
        if transaction is None:
            return
        transaction.state = "committed" if commit else "aborted"
        for partition in transaction.partitions:
            partition.ended(transaction)
