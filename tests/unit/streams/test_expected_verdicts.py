"""A write waits from before its append until its fold (`streams.partition.expected_verdicts`)."""

import asyncio
from collections.abc import Sequence

import pytest

from schemas.errors import Unavailable
from streams.log.appender import Keyed
from streams.partition.expected_verdicts import ExpectedVerdicts

RECORDS: list[Keyed] = [(b"first", b"1"), (b"second", b"2")]


class Log:
    """An append is acknowledged at once, and what is to be folded is folded, in an order of its own."""

    def __init__(self, verdicts: ExpectedVerdicts[str], folded: Sequence[bytes]) -> None:
        self._verdicts = verdicts
        self._folded = folded

    async def append_many(
        self, topic: str, partition: int, records: Sequence[Keyed]
    ) -> list[asyncio.Future[int]]:
        assert (topic, partition, records) == ("companies", 0, RECORDS)
        for key in self._folded:
            self._verdicts.report(key, f"the verdict on {key.decode()}")
        return []

    async def wait(self, done: asyncio.Future[int]) -> int:
        return await done


def test_verdicts_come_in_the_order_of_the_records() -> None:
    async def scenario() -> list[str]:
        verdicts = ExpectedVerdicts[str](timeout=60)
        log = Log(verdicts, [b"second", b"of another", b"first"])
        found = await verdicts.append(log, "companies", 0, RECORDS)
        assert len(verdicts) == 0
        return found

    assert asyncio.run(scenario()) == ["the verdict on first", "the verdict on second"]


def test_what_is_not_folded_in_time_is_said_to_be_in_the_log() -> None:
    async def scenario() -> None:
        verdicts = ExpectedVerdicts[str](timeout=0.01)
        with pytest.raises(Unavailable, match="in the log but not folded yet"):
            await verdicts.append(Log(verdicts, [b"first"]), "companies", 0, RECORDS)
        assert len(verdicts) == 0
        verdicts.report(b"second", "too late")

    asyncio.run(scenario())


def test_who_ends_a_wait_is_called_before_the_append() -> None:
    async def scenario() -> None:
        expected: list[str] = []
        verdicts = ExpectedVerdicts[str](60, lambda: expected.append("a write waits"))
        verdict = verdicts.expect(b"key")
        assert expected == ["a write waits"]
        verdicts.cancel_wait(b"key")
        verdicts.report(b"key", "not asked for")
        assert not verdict.done()

    asyncio.run(scenario())
