"""A batch refuses, skips and counts its items in one way, whatever they are."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from api.commands.batches.writer import Appended, BatchContext, BatchWriter
from projections.batches import Batch
from schemas.errors import Conflict, ItemError, NotFound, RequestError, TooLarge, Unprocessable
from schemas.events import BatchReceived, decode_profile_event
from schemas.identity import Identity
from streams.node import Node
from tests.support.folding import ACCOUNT

AT = 1_764_000_000_000


class Log:
    """What the writer asks of a node: to append the last event of a batch."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.appender = self
        self.identity = Identity(bytes(32), 4)
        self.topics = SimpleNamespace(events="profile-events")

    async def append(self, topic: str, partition: int, key: bytes, value: bytes) -> int:
        assert topic == "profile-events"
        event = decode_profile_event(value)
        assert isinstance(event, BatchReceived)
        assert partition == self.identity.partition_of_id(event.id)
        assert key
        self.values.append(value)
        return 0


class Items:
    """Items that say what becomes of them; what is "late" is appended at the second attempt."""

    def __init__(self) -> None:
        self.appended: list[int] = []
        self.attempts: list[list[int]] = []

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncGenerator[int]:
        yield AT

    def draft(self, sent: Mapping[str, object], at: int, /) -> str:
        assert at == AT
        if sent["is"] == "malformed":
            raise Unprocessable("plan is bad")
        return cast("str", sent["is"])

    async def fetch(self, index: int, write: str) -> None:  # noqa: ARG002 - a batch's signature
        raise AssertionError("all that the items name is here")

    async def prepare(self, drafts: Mapping[int, str], at: int) -> None:
        assert at == AT
        assert drafts

    def event(self, index: int, write: str, at: int) -> str:
        assert (index >= 0, at) == (True, AT)
        match write:
            case "contradicting":
                raise Conflict("they differ")
            case "unknown":
                raise NotFound("No such thing")
            case "large":
                raise TooLarge("The item is larger than 9 bytes")
            case _:
                return write

    async def append(self, events: Mapping[int, str]) -> Appended:
        self.attempts.append(list(events))
        refused: dict[int, RequestError] = {
            index: Unprocessable("It would be too large")
            for index, event in events.items()
            if event == "growing"
        }
        late = [i for i, event in events.items() if event == "late" and len(self.attempts) == 1]
        self.appended += [index for index in events if index not in refused and index not in late]
        return Appended(refused, late)

    async def acknowledged(self) -> dict[int, int]:
        return {2: 41}


def write(kinds: list[str], *, ignore_missing: bool = False) -> tuple[Any, Batch, Items, Log]:
    items, log = Items(), Log()
    context = BatchContext(cast("Node", log), ACCOUNT, ignore_missing, 1000)
    raw = [msgspec.Raw(msgspec.json.encode({"is": kind})) for kind in kinds]
    received, batch = asyncio.run(BatchWriter(context, items, asyncio.Lock()).write(raw))
    return received, batch, items, log


def test_an_item_is_refused_alike_wherever_that_is_found_out() -> None:
    received, batch, items, _ = write(
        ["good", "malformed", "contradicting", "unknown", "large", "growing", "good"]
    )

    assert received.failures.shown == [
        ItemError(422, 1, "plan is bad for the 2nd item"),
        ItemError(409, 2, "they differ for the 3rd item"),
        ItemError(404, 3, "No such thing for the 4th item"),
        ItemError(413, 4, "The 5th item is larger than 9 bytes"),
        ItemError(422, 5, "It would be too large for the 6th item"),
    ]
    assert items.appended == [0, 6]
    assert (batch.received, batch.accepted, batch.skipped, batch.failed) == (7, 2, 0, 5)


def test_what_is_not_there_is_skipped_where_the_batch_says_so() -> None:
    received, batch, _, _ = write(["unknown", "contradicting", "good"], ignore_missing=True)

    assert [error.index for error in received.failures.shown] == [1]
    assert (batch.accepted, batch.skipped, batch.failed) == (1, 1, 1)


def test_what_could_not_be_appended_is_made_again_and_nothing_else_is() -> None:
    _, batch, items, _ = write(["good", "late", "growing", "late"])

    assert items.attempts == [[0, 1, 2, 3], [1, 3]]
    assert (batch.accepted, batch.failed) == (3, 1)


def test_the_last_event_of_a_batch_says_how_far_it_reaches() -> None:
    received, batch, _, log = write(["good"])

    (value,) = log.values
    event = decode_profile_event(value)
    assert isinstance(event, BatchReceived)
    assert (event.id, event.at, event.last) == (received.id, AT, {"2": 41})
    assert Batch.of(event) == batch
    assert received.positions == {2: 41}
