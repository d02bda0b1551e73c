"""A partition folds what arrives, reports what it cannot fold, and wakes its waiters (`streams.partition.runtime`)."""

import asyncio
import errno
import logging
from collections.abc import Sequence
from typing import Any, cast

import pytest

from projections.profiles import ProfileState
from schemas.errors import Unavailable
from schemas.events import encode
from streams.failure import Failure
from streams.log.appender import Keyed
from streams.log.chunks import Chunk
from streams.log.decisions import Decisions
from streams.log.topics import Topics
from streams.pace import Pace
from streams.partition import owned_partitions, runtime
from streams.partition.batch_pace import BatchPace
from streams.partition.owned_partitions import OwnedPartitions
from streams.partition.pending_writes import PendingWrites
from streams.partition.profile_partition import ProfilePartition
from streams.partition.relay_loop import RelayLoop
from streams.partition.runtime import Effects
from streams.partition.stops import Stops
from tests.support.folding import Profiles, key, upserted
from tests.support.memory_log import Record

TOPICS = Topics(1)
UNFOLDABLE = encode(upserted("ada", at=-1))
_SECONDS = 10


class Neighbours:
    """The search index and the purge, which are woken; and Kafka's transactions, of which there are none."""

    wakes = 0

    def wake(self) -> None:
        self.wakes += 1

    def hide(self, state: ProfileState) -> None:
        state.erased.clear()

    async def let_catch_up(self) -> None:
        """Nothing waits."""

    async def stop(self) -> None:
        """Nothing is open."""


class Node:
    """A node that owns one partition of ``profile-events``, whose log ends at `end`; it has folded nothing."""

    def __init__(self, *, end: int = 0) -> None:
        self.neighbours = Neighbours()
        self.requests = Pace()
        pace, unused = BatchPace(self.requests), cast("Any", None)
        self.writes = PendingWrites(_SECONDS, pace.write_waits)
        self.failure = Failure()
        stops = Stops(unused, cast("Any", Decisions()))
        publisher = cast("Any", self.neighbours)
        relay = RelayLoop("profile-events-0", unused, publisher, unused, lambda: False, linger=0)
        effects = Effects(self.writes, self.neighbours, self.neighbours, pace, stops, self.failure)
        self.partition = ProfilePartition(Profiles().state, relay, effects)
        self.partition.expect_end(end)
        self.partition.note_applied()
        self.partitions = OwnedPartitions(TOPICS, cast("Any", None))
        self.partitions.runtimes[self.partition.tp] = self.partition

    def chunk(self, *values: bytes, after: int | None = None) -> Chunk:
        """Records that follow what is applied, or what is behind the offset `after`."""
        after = self.partition.state.applied if after is None else after
        records = [Record(n, key(n), value) for n, value in enumerate(values, after + 1)]
        return Chunk(self.partition.tp, records, after, after + len(values))


def test_an_own_append_is_folded_at_once_and_passed_over_when_it_is_delivered() -> None:
    async def scenario() -> None:
        node = Node()
        value = encode(upserted("ada", plan="gold"))
        delivered = node.chunk(value)
        verdict = node.writes.verdicts.expect(key(0))
        shown = asyncio.create_task(node.partitions.wait_shown(0, 0))
        await asyncio.sleep(0)

        node.partitions.fold_appended(TOPICS.events, 0, 0, [(key(0), value)])

        assert verdict.result().outcome == "created"
        async with asyncio.timeout(_SECONDS):
            await shown
        await node.partitions.fold_chunk(delivered)
        assert node.partition.state.applied == 0
        assert node.neighbours.wakes

    asyncio.run(scenario())


@pytest.mark.parametrize(("first", "count"), [(1, 1), (0, 300)])
def test_what_does_not_come_next_or_is_a_batch_is_left_to_the_consumer(
    first: int, count: int
) -> None:
    async def scenario() -> None:
        node = Node()
        records: Sequence[Keyed] = [(key(n), encode(upserted(n))) for n in range(count)]
        node.partitions.fold_appended(TOPICS.events, 0, first, records)
        assert node.partition.state.applied == -1

    asyncio.run(scenario())


def test_records_that_cannot_be_decoded_are_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        node = Node()
        await node.partitions.fold_chunk(node.chunk(b"{secret", encode(upserted("ada")), b"{"))
        await node.partitions.fold_chunk(node.chunk(encode(upserted("bob"))))
        assert node.partition.state.applied == 3

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())

    (line,) = caplog.messages
    assert line.startswith("profile-events-0: 2 records up to offset 2 cannot be decoded")


def test_what_was_folded_before_the_disk_failed_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "_RETRY_SECONDS", 0)

    async def scenario() -> None:
        node = Node()
        verdicts = [node.writes.verdicts.expect(key(n)) for n in range(150)]
        state = node.partition.profiles
        write, writes = state.storage.write, 0

        def failing(rows: Any) -> None:
            nonlocal writes
            writes += 1
            if writes == 2:
                raise OSError(errno.ENOSPC, "no space left on device")
            write(rows)

        monkeypatch.setattr(state.storage, "write", failing)
        await node.partitions.fold_chunk(node.chunk(*(encode(upserted(n)) for n in range(150))))

        assert state.applied == 149
        assert all(verdict.done() for verdict in verdicts)

    asyncio.run(scenario())


@pytest.mark.parametrize(("is_live", "seen"), [(False, 249), (True, 99)])
def test_while_requests_are_served_a_chunk_is_folded_in_steps(is_live: bool, seen: int) -> None:
    async def scenario() -> None:
        node = Node()
        if is_live:
            node.requests.requested()
        chunk = node.chunk(*(encode(upserted(n)) for n in range(250)))

        folding = asyncio.create_task(node.partitions.fold_chunk(chunk))
        await asyncio.sleep(0)
        assert node.partition.state.applied == seen
        await folding

        assert node.partition.state.applied == 249

    asyncio.run(scenario())


def test_a_partition_that_is_released_in_the_middle_of_a_chunk_keeps_what_is_folded() -> None:
    async def scenario() -> None:
        node = Node()
        node.requests.requested()
        folding = asyncio.create_task(
            node.partition.fold_chunk(node.chunk(*(encode(upserted(n)) for n in range(250))))
        )
        await asyncio.sleep(0)
        await node.partition.close()
        await folding

        assert node.partition.state.applied == 99

    asyncio.run(scenario())


def test_a_wait_for_the_fold_ends_where_it_has_come_far_enough_or_does_not_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        node = Node()
        waiting = asyncio.create_task(node.partitions.wait_folded(0, 2))
        await node.partitions.fold_chunk(node.chunk(*(encode(upserted(n)) for n in range(2))))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert not node.partitions.is_folded(0, 2)

        await node.partitions.fold_chunk(node.chunk(encode(upserted("ada"))))
        await asyncio.wait_for(waiting, _SECONDS)
        assert node.partitions.is_folded(0, 2)

        monkeypatch.setattr(owned_partitions, "_PATIENCE_SECONDS", 0.01)
        await asyncio.wait_for(node.partitions.wait_folded(0, 3), _SECONDS)
        await node.partitions.wait_folded(7, 3)  # of no partition of this node

    asyncio.run(scenario())


def test_a_record_that_cannot_be_folded_stops_its_partition_and_what_follows_is_counted() -> None:
    async def scenario() -> None:
        node = Node()
        await node.partitions.fold_chunk(node.chunk(encode(upserted("ada")), UNFOLDABLE))
        await node.partitions.fold_chunk(node.chunk(encode(upserted("bob")), after=1))

        (stopped,) = node.partitions.stopped
        assert (stopped.partition, stopped.offset) == (0, 1)
        assert (node.partition.state.applied, node.partition.delivered) == (0, 2)
        with pytest.raises(Unavailable, match="cannot fold"):
            node.partitions.check_folding()
        await node.partition.close()

    asyncio.run(scenario())


def test_a_hole_in_what_is_delivered_is_a_failure_of_the_node() -> None:
    async def scenario() -> None:
        node = Node()
        await node.partitions.fold_chunk(node.chunk(encode(upserted("ada")), after=4))
        async with asyncio.timeout(_SECONDS):
            failure = await node.failure.wait()
        assert "was delivered from offset 5, but is applied up to -1 only" in str(failure)
        assert node.partition.state.applied == -1

    asyncio.run(scenario())


def test_a_released_partition_folds_nothing_more() -> None:
    async def scenario() -> None:
        node = Node()
        chunk = node.chunk(encode(upserted("ada")))
        await node.partition.close()
        await node.partition.fold_chunk(chunk)
        assert node.partition.state.applied == -1

    asyncio.run(scenario())


def test_after_a_hole_the_goal_of_catching_up_is_the_end_of_that_moment() -> None:
    async def scenario() -> None:
        node = Node(end=3)
        has_read, reads = asyncio.Event(), 0

        async def read_end() -> int:
            nonlocal reads
            reads += 1
            has_read.set()
            return 4

        node.partition.start(read_end)
        value = encode(upserted("ada", plan="gold"))
        records = [Record(0, key(0), value), Record(2, key(2), value)]
        await node.partitions.fold_chunk(Chunk(node.partition.tp, records, -1, 2))
        async with asyncio.timeout(_SECONDS):
            await has_read.wait()
        assert not node.partition.caught_up.is_set()

        await node.partitions.fold_chunk(node.chunk(value))
        assert node.partition.caught_up.is_set()
        assert reads == 1
        await node.partition.close()

    asyncio.run(scenario())


def test_without_a_hole_the_goal_stays() -> None:
    async def scenario() -> None:
        node = Node(end=1)

        async def read_end() -> int:
            raise AssertionError("there is no need")

        node.partition.start(read_end)
        await node.partitions.fold_chunk(node.chunk(encode(upserted("ada"))))
        assert node.partition.caught_up.is_set()
        await node.partition.close()

    asyncio.run(scenario())
