"""A listener sees each change of its account exactly once and in order, or is told that it was too slow."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.public import ACCOUNT_HEADER
from schemas.stream_cursors import StreamCursor
from streams.observe.listener import Listener, TooSlow
from streams.observe.recent import Recent

PARTITIONS: Final = 2
ADA, BOB = "a" * 24, "b" * 24


@dataclass(frozen=True)
class Sent:
    """A record as Kafka has it."""

    partition: int
    offset: int
    account: str
    value: bytes | None
    key: bytes = b"c" * 24
    timestamp: int = 1_800_000_000_000

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        return [(ACCOUNT_HEADER, self.account.encode())]


@dataclass
class Log:
    """The topic in memory: what is appended may be read again, a few records at a time."""

    partitions: list[list[Sent]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])

    def append(self, partition: int, account: str, size: int) -> Sent:
        records = self.partitions[partition]
        records.append(Sent(partition, len(records), account, b"x" * size or None))
        return records[-1]

    def ends(self) -> list[int]:
        return [len(records) for records in self.partitions]

    async def read(self, partition: int, start: int, end: int) -> tuple[list[Sent], int]:
        found = list(islice(self.partitions[partition], start, min(end, start + 3)))
        return found, start + len(found)


class World:
    """A log, what is remembered of it, and Ada's listener, which takes something now and then."""

    def __init__(self, past: int, limit: int) -> None:
        self.log = Log()
        self.recent = Recent([0] * PARTITIONS, [0] * PARTITIONS, limit)
        for n in range(past):
            self.write(n % PARTITIONS, ADA, 10)
        self.seen: list[tuple[int, int]] = []
        self.listener = Listener(
            ADA, StreamCursor(1_800_000_000_000, (0,) * PARTITIONS), self.log.read
        )
        self.listener.follow(self.recent)

    def write(self, partition: int, account: str, size: int) -> None:
        self.recent.add([self.log.append(partition, account, size)])

    async def take(self) -> None:
        if not self.listener.is_idle:
            self.seen += [(each.partition, each.offset) for each in await self.listener.take()]

    def wanted(self) -> set[tuple[int, int]]:
        return {
            (record.partition, record.offset)
            for records in self.log.partitions
            for record in records
            if record.account == ADA
        }


WRITES = st.tuples(st.integers(0, PARTITIONS - 1), st.sampled_from([ADA, BOB]), st.integers(0, 900))
STEPS = st.lists(WRITES | st.none(), max_size=60)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(500, 20_000), STEPS)
def test_each_change_is_seen_once_or_the_listener_was_too_slow(
    past: int, limit: int, steps: list[tuple[int, str, int] | None]
) -> None:
    async def live() -> None:
        world = World(past, limit)
        try:
            for step in steps:
                await (world.take() if step is None else _written(world, step))
            while not world.listener.is_idle:
                await world.take()
            assert set(world.seen) == world.wanted()
        except TooSlow:  # what is forgotten by now it may have seen in the log
            assert set(world.seen) <= world.wanted()
        finally:
            world.listener.leave()
        assert len(set(world.seen)) == len(world.seen)
        assert _in_order(world.seen)

    asyncio.run(live())


async def _written(world: World, step: tuple[int, str, int]) -> None:
    world.write(*step)


def _in_order(seen: list[tuple[int, int]]) -> bool:
    by_partition = [[offset for at, offset in seen if at == n] for n in range(PARTITIONS)]
    return all(offsets == sorted(offsets) for offsets in by_partition)


@settings(deadline=None)
@given(st.integers(500, 20_000), STEPS, st.data())
def test_who_resumes_where_they_were_misses_and_repeats_nothing(
    limit: int, steps: list[tuple[int, str, int] | None], data: st.DataObject
) -> None:
    async def live() -> None:
        world = World(0, limit)
        for step in steps:
            if step is not None:
                world.write(*step)
            with contextlib.suppress(TooSlow):
                await world.take()
            if data.draw(st.booleans()):
                world.listener.leave()
                world.listener = Listener(ADA, world.listener.reached(), world.log.read)
                world.listener.follow(world.recent)
        world.listener.leave()
        world.listener = Listener(ADA, world.listener.reached(), world.log.read)
        world.listener.follow(world.recent)
        while not world.listener.is_idle:
            await world.take()
        world.listener.leave()
        assert sorted(world.seen) == sorted(world.wanted())

    asyncio.run(live())


def test_what_is_remembered_is_bounded_whoever_listens() -> None:
    async def live() -> None:
        world = World(0, limit=10_000)
        for n in range(1000):
            world.write(n % PARTITIONS, (ADA, BOB)[n % 3 == 0], 100)
        assert not world.recent.holds([400] * PARTITIONS)
        with pytest.raises(TooSlow):
            await world.listener.take()
        world.listener.leave()

    asyncio.run(live())
