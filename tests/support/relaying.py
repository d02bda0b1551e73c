"""A relay between a state in memory and a Kafka that keeps what it was sent."""

from collections.abc import Sequence
from typing import Final

from projections.outbox import (
    Claim,
    EventTombstone,
    OutboxRow,
    PublicDocument,
    Withdrawal,
)
from projections.partition import PartitionState
from projections.working_set import WorkingSet
from schemas.errors import Unavailable
from schemas.events import (
    EmailClaimed,
    EmailWithdrawn,
    decode_email_record,
    decode_profile_event,
    encode,
)
from schemas.identity import claim_name
from streams.log.appender import Keyed
from streams.log.topics import Topics
from streams.log.transactions import Publication, PublicationFailed
from streams.partition.claim_sender import ClaimSender
from streams.partition.relay import Relay
from tests.support.folding import ACCOUNT, IDENTITY, origin
from tests.support.hand_loop import complete
from tests.support.memory_storage import MemoryStorage

TOPICS: Final = Topics(1)
ADA, BOB, EVE = ("1" * 24, "2" * 24, "3" * 24)


class Kafka:
    """Takes what a relay publishes and appends, and tells it in one list of lines."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.transactions: list[list[Publication]] = []
        self.appended: list[tuple[str, int, bytes, bytes | None]] = []
        self.fails = False

    async def init(self) -> None:
        self.said.append("init")

    async def publish(self, records: Sequence[Publication]) -> None:
        if self.fails:
            raise PublicationFailed("fenced")
        self.said.append("commit " + " ".join(_short(record) for record in records))
        self.transactions.append(list(records))

    async def append(self, topic: str, partition: int, key: bytes, value: bytes | None) -> int:
        if self.fails:
            raise PublicationFailed("no answer")
        self.said.append(_said(key, value))
        self.appended.append((topic, partition, key, value))
        return len(self.appended)

    async def append_in_order(self, topic: str, partition: int, records: Sequence[Keyed]) -> int:
        if self.fails:
            raise Unavailable("no answer")
        self.said.append(f"append {' '.join(_spoken(key, value) for key, value in records)}")
        self.appended += [(topic, partition, *record) for record in records]
        return len(self.appended)


def _spoken(key: bytes, value: bytes | None) -> str:
    """A record about a claim."""
    name = claim_name(key).decode()
    if value is None:
        return f"{name}=tombstone"
    return f"{name}=withdrawn" if type(decode_email_record(value)) is EmailWithdrawn else name


def _said(key: bytes, value: bytes | None) -> str:
    if value is None:
        return f"tombstone {key.decode()}"
    return type(decode_profile_event(value)).__name__


def _short(record: Publication) -> str:
    if record.topic == TOPICS.progress:
        return f"progress={record.value and record.value.decode()}"
    return f"{record.key.decode()[:4]}{'' if record.value is not None else '=null'}"


class Partition:
    """An outbox, its relay and their Kafka."""

    def __init__(self, *events: tuple[int, Sequence[OutboxRow]], progress: int = 0) -> None:
        self.state = PartitionState(MemoryStorage(), origin(TOPICS.events))
        self.kafka = Kafka()
        claims = ClaimSender(self.state, TOPICS.emails, self.kafka.append_in_order)
        self.relay = Relay(
            self.state, TOPICS.events, TOPICS, IDENTITY, self.kafka, self.kafka.append, claims
        )
        for offset, outputs in events:
            self.fold(offset, *outputs)
        self.start(progress)

    def fold(self, offset: int, *outputs: OutboxRow) -> None:
        """An event is folded, and this follows from it."""
        state = WorkingSet(self.state.storage, published=0)
        for row in outputs:
            if isinstance(row, Claim | Withdrawal):
                state.emit_claim(offset, row)
            else:
                state.emit(offset, row)
        self.state.commit(state.rows(), offset)
        self.state.last_claim = max(self.state.last_claim, state.last_claim)

    def start(self, progress: int | None) -> None:
        async def read_progress() -> int | None:
            self.kafka.said.append("read")
            return progress

        complete(self.relay.start(read_progress))

    def step(self) -> list[str]:
        """One step; returns what it did."""
        before = len(self.kafka.said)
        complete(self.relay.step())
        return self.kafka.said[before:]

    def steps(self) -> list[str]:
        """What is published and appended until there is nothing left to do."""
        before = len(self.kafka.said)
        while complete(self.relay.step()):
            pass
        return self.kafka.said[before:]

    def left(self) -> list[int]:
        """The offsets of the rows in the outbox."""
        return [offset for offset, _ in self.state.outbox_from((0, 0))]


_CLAIMED: Final = encode(EmailClaimed(account=ACCOUNT, at=0, email="0" * 32, id=ADA))


def claim(name: str, partition: int = 0) -> Claim:
    return Claim(partition, name.encode(), _CLAIMED)


def withdrawn(name: str) -> Withdrawal:
    return Withdrawal(0, name.encode())


def document(id_: str = ADA) -> PublicDocument:
    return PublicDocument(id_, b"{}", ACCOUNT)


def gone(id_: str = ADA) -> PublicDocument:
    return PublicDocument(id_, None, ACCOUNT)


def tombstone(name: str) -> EventTombstone:
    return EventTombstone(name.encode())
