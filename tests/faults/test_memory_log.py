"""The log in memory does what Kafka does, as far as the protocol relies on it."""

import pytest

from tests.support.memory_log import Fenced, MemoryLog, Partition

TOPIC = "topic"


def publish(log: MemoryLog, epoch: int, *keys: bytes) -> None:
    log.begin("id", epoch)
    for key in keys:
        log.send("id", epoch, (TOPIC, 0, key, b""))


def readable(partition: Partition) -> list[tuple[int, bytes]]:
    return [(record.offset, record.key) for record in partition.committed()]


def filled(*records: tuple[bytes, bytes | None]) -> Partition:
    partition = Partition()
    for key, value in records:
        partition.append(key, value)
    return partition


def test_a_commit_shows_its_records_and_its_marker_takes_an_offset() -> None:
    log = MemoryLog()
    epoch = log.init("id")
    publish(log, epoch, b"a", b"b")
    log.commit("id", epoch)
    log.append(TOPIC, 0, b"c", b"")

    assert readable(log.partition(TOPIC, 0)) == [(0, b"a"), (1, b"b"), (3, b"c")]


def test_an_open_transaction_holds_back_what_is_behind_it() -> None:
    log = MemoryLog()
    log.append(TOPIC, 0, b"a", b"")
    publish(log, log.init("id"), b"b")
    log.append(TOPIC, 0, b"c", b"")

    assert readable(log.partition(TOPIC, 0)) == [(0, b"a")]
    assert log.partition(TOPIC, 0).stable_end == 1


@pytest.mark.parametrize("end", ["init", "time_out"])
def test_an_aborted_record_is_never_read_and_its_producer_is_fenced(end: str) -> None:
    log = MemoryLog()
    epoch = log.init("id")
    publish(log, epoch, b"a")
    getattr(log, end)("id")
    log.append(TOPIC, 0, b"b", b"")

    assert readable(log.partition(TOPIC, 0)) == [(2, b"b")]
    with pytest.raises(Fenced):
        log.commit("id", epoch)
    with pytest.raises(Fenced):
        log.begin("id", epoch)


def test_nothing_times_out_that_is_not_open() -> None:
    log = MemoryLog()
    epoch = log.init("id")

    assert not log.time_out("id")
    publish(log, epoch, b"a")
    log.commit("id", epoch)
    assert not log.time_out("id")


def test_compaction_keeps_the_last_of_each_key_and_the_last_record() -> None:
    partition = filled((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"a", b"3"))

    partition.compact(9, 9, 0)

    assert readable(partition) == [(1, b"b"), (2, b"a"), (3, b"a")]


def test_half_a_pass_has_seen_all_keys_but_swapped_some_segments() -> None:
    partition = filled((b"a", b""), (b"b", b""), (b"a", None), (b"b", None), (b"c", b""))

    partition.compact(9, 1, 0)

    assert readable(partition) == [(1, b"b"), (2, b"a"), (3, b"b"), (4, b"c")]


def test_a_tombstone_outlives_one_pass_and_its_retention() -> None:
    partition = filled((b"a", b""), (b"a", None), (b"b", b""))

    partition.compact(9, 9, 9)
    assert readable(partition) == [(1, b"a"), (2, b"b")]
    partition.compact(9, 9, 1)
    assert readable(partition) == [(1, b"a"), (2, b"b")]
    partition.compact(9, 9, 9)
    assert readable(partition) == [(2, b"b")]


def test_compaction_stops_before_an_open_transaction() -> None:
    log = MemoryLog()
    log.append(TOPIC, 0, b"a", b"1")
    publish(log, log.init("id"), b"b")
    log.append(TOPIC, 0, b"a", b"2")
    log.append(TOPIC, 0, b"c", b"")
    partition = log.partition(TOPIC, 0)

    partition.compact(9, 9, 0)

    assert [entry.record.offset for entry in partition.entries] == [0, 1, 2, 3]


def test_compaction_takes_aborted_records_and_the_history_keeps_all() -> None:
    log = MemoryLog()
    publish(log, log.init("id"), b"a")
    log.time_out("id")
    log.append(TOPIC, 0, b"b", b"")
    partition = log.partition(TOPIC, 0)

    partition.compact(9, 9, 0)

    assert [entry.record.key for entry in partition.entries] == [b"b"]
    assert [entry.record.key for entry in partition.history] == [b"a", b"b"]
    assert [record.key for record in partition.once_committed()] == [b"b"]


def test_a_reader_takes_up_where_it_was_among_holes() -> None:
    partition = filled((b"a", b""), (b"a", b""), (b"a", b""), (b"b", b""), (b"c", b""))
    partition.compact(9, 9, 0)

    assert [record.offset for record in partition.read(1, 2)] == [2, 3]
    assert partition.read(5, 2) == []
