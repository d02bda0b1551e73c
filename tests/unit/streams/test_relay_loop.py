"""What waits to be published is bounded, and so is how far claims go ahead of it (`streams.partition.relay_loop`)."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from streams.lag import Lag
from streams.partition import claim_sender, relay, relay_loop
from streams.partition.relay_loop import RelayLoop
from tests.support.relaying import Kafka, Partition, claim, document

_SECONDS = 10


class Relayed:
    """A partition, and the loop that publishes its outbox. Its transactions go on when `gate` is set."""

    def __init__(self) -> None:
        self.partition = Partition()
        self.gate = asyncio.Event()
        publish = self.partition.kafka.publish

        async def gated(records: Any) -> None:
            await self.gate.wait()
            await publish(records)

        cast("Any", self.partition.kafka).publish = gated
        unused = cast("Any", None)
        self.loop = RelayLoop("it", self.partition.relay, unused, unused, lambda: False, linger=0)

    def fold(self, offset: int, *, claims: bool = False) -> None:
        rows = [claim(f"c{offset}")] if claims else []
        self.partition.fold(offset, *rows, document())
        self.loop.notify(offset, claims=claims)

    @property
    def claims(self) -> int:
        """How many were appended."""
        return len(self.partition.kafka.appended)

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(_SECONDS):
            while not is_so():  # noqa: ASYNC110 - the relay sets no event for it
                await asyncio.sleep(0)


@asynccontextmanager
async def running() -> AsyncGenerator[Relayed]:
    relayed = Relayed()
    task = asyncio.create_task(relayed.loop.run())
    try:
        yield relayed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_what_waits_is_counted_until_it_has_left() -> None:
    async def scenario() -> None:
        async with running() as relayed:
            for offset in range(3):
                relayed.fold(offset)
            assert relayed.loop.lag.waiting == 3
            relayed.gate.set()
            await relayed.until(lambda: relayed.loop.lag == Lag(0, 0.0))

            # An event that nothing follows from waits for nothing.
            relayed.partition.fold(3)
            relayed.loop.notify(3)
            await relayed.until(lambda: relayed.loop.lag == Lag(0, 0.0))

    asyncio.run(scenario())


def test_the_fold_of_a_batch_waits_while_too_much_is_to_be_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay_loop, "MOST_RECORDS", 4)

    async def scenario() -> None:
        async with running() as relayed:
            for offset in range(4):
                relayed.fold(offset)
            await asyncio.wait_for(relayed.loop.let_catch_up(), _SECONDS)  # as many may wait
            relayed.fold(4)
            waiting = asyncio.create_task(relayed.loop.let_catch_up())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not waiting.done()

            relayed.gate.set()
            await asyncio.wait_for(waiting, _SECONDS / 5)  # at the step, not when its patience ends
            assert relayed.loop.lag.waiting == 0

    asyncio.run(scenario())


def test_a_relay_that_publishes_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_loop, "MOST_RECORDS", 0)
    monkeypatch.setattr(relay_loop, "_WORKING_SECONDS", 0.05)

    async def scenario() -> None:
        async with running() as relayed:
            relayed.fold(0)
            await asyncio.wait_for(relayed.loop.let_catch_up(), _SECONDS)
            assert relayed.loop.lag.waiting == 1

    asyncio.run(scenario())


def test_claims_stop_where_the_progress_is_too_far_behind_and_follow_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claim_sender, "MOST_AHEAD", 6)
    monkeypatch.setattr(claim_sender, "_ROWS", 4)  # two events

    async def scenario() -> None:
        relayed = Relayed()
        relay = relayed.partition.relay
        relayed.gate.set()
        for offset in range(20):
            relayed.fold(offset, claims=True)

        assert not await relay.send_claims_ahead()
        assert relayed.claims == 6
        assert not await relay.send_claims_ahead()  # the progress is where it was
        assert relayed.claims == 6

        task = asyncio.create_task(relayed.loop.run())
        try:
            await relayed.until(lambda: relayed.claims == 20)
            await relayed.until(lambda: relayed.loop.lag.waiting == 0)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await relay.send_claims_ahead()
        assert relayed.claims == 20

    asyncio.run(scenario())


def test_documents_stand_back_until_the_claims_of_a_batch_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claim_sender, "_ROWS", 4)
    monkeypatch.setattr(relay, "ROWS", 2)  # an event
    append = Kafka.append_in_order

    async def append_beside_others(*sent: Any) -> int:
        await asyncio.sleep(0)
        return await append(*sent)

    monkeypatch.setattr(Kafka, "append_in_order", append_beside_others)

    async def sent_before_the_last_claim() -> int:
        """How many documents of 20 events leave until all their claims are sent; then all do."""
        async with running() as relayed:
            relayed.gate.set()
            for offset in range(20):
                relayed.fold(offset, claims=True)
            await relayed.until(lambda: relayed.claims == 20)
            transactions = relayed.partition.kafka.transactions
            documents = sum(len(records) - 1 for records in transactions)  # beside the progress
            await relayed.until(lambda: relayed.loop.lag.waiting == 0)
            return documents

    assert asyncio.run(sent_before_the_last_claim()) == 1
    monkeypatch.setattr(relay_loop, "_PATIENT_SECONDS", 0)
    assert asyncio.run(sent_before_the_last_claim()) > 1
