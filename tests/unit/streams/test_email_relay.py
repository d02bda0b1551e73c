"""What leaves a partition of the email index, and when (the docstring of `streams.partition.email_relay`)."""

from collections.abc import Sequence

import pytest

from schemas.errors import Unavailable
from schemas.events import EmailClaimed, EmailWithdrawn, Place, encode
from streams.log.appender import Keyed
from streams.partition import email_relay
from streams.partition.email_relay import EmailRelay
from tests.support.folding import ACCOUNT, AT, IDENTITY, Emails
from tests.support.hand_loop import complete
from tests.support.relaying import ADA, BOB, TOPICS, Kafka


class Relayed(Emails):
    """A partition of the index, its relay and their Kafka."""

    def __init__(self, progress: int = 0) -> None:
        super().__init__()
        self.kafka = Kafka()
        self.knows_offsets = True
        self._folded = 0
        self.relay = EmailRelay(
            self.state, TOPICS, IDENTITY, self.kafka, self.kafka.append, self._append_in_order
        )

        async def read_progress() -> int | None:
            return progress

        complete(self.relay.start(read_progress))
        self.kafka.said.clear()

    async def _append_in_order(self, topic: str, partition: int, records: Sequence[Keyed]) -> int:
        await self.kafka.append_in_order(topic, partition, records)
        return self.state.applied + len(records) if self.knows_offsets else -1

    def claim(self, key: bytes, id_: str, place: Place) -> None:
        claim = EmailClaimed(account=ACCOUNT, at=AT, email="e" * 32, id=id_, place=place)
        self.put(key, encode(claim))

    def withdraw(self, key: bytes, place: Place) -> None:
        self.put(key, encode(EmailWithdrawn(place)))

    def fold_tombstones(self) -> None:
        """Those that were appended come back."""
        new, self._folded = self.kafka.appended[self._folded :], len(self.kafka.appended)
        for topic, _, key, value in new:
            assert topic == TOPICS.emails
            self.put(key, value)

    def steps(self) -> list[str]:
        before = len(self.kafka.said)
        while complete(self.relay.step()):
            pass
        return self.kafka.said[before:]


def test_without_tombstones_and_releases_nothing_leaves() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))

    assert emails.steps() == []


def test_a_tombstone_waits_for_the_progress_and_leaves_once() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.withdraw(b"a.2", (0, 2, 0))

    assert emails.steps() == ["commit progress=2", "append a=tombstone"]
    assert emails.kafka.appended == [(TOPICS.emails, 0, b"a.1", None)]
    assert emails.steps() == []


def test_the_tombstone_of_a_repeat_waits_for_nothing_and_leaves_once() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"a.2", ADA, (0, 1, 0))

    assert emails.steps() == ["append a=tombstone"]
    assert emails.kafka.appended == [(TOPICS.emails, 0, b"a.2", None)]
    assert emails.steps() == []


def test_other_tombstones_wait_until_those_of_repeats_are_folded() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.withdraw(b"a.2", (0, 2, 0))
    emails.claim(b"a.3", ADA, (0, 1, 0))
    emails.claim(b"b.1", BOB, (0, 3, 0))

    assert emails.steps() == ["append a=tombstone"]
    assert emails.kafka.appended == [(TOPICS.emails, 0, b"a.3", None)]

    emails.fold_tombstones()
    assert emails.steps() == ["commit progress=5", "append a=tombstone a=tombstone"]


def test_the_tombstone_of_a_repeat_is_sent_again_where_kafka_does_not_say_where_it_is() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"a.2", ADA, (0, 1, 0))
    emails.knows_offsets = False
    with pytest.raises(Unavailable):
        emails.steps()

    emails.knows_offsets = True
    assert emails.steps() == ["append a=tombstone"]


def test_releases_leave_before_tombstones_and_behind_a_proof() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"b.1", BOB, (1, 1, 0))
    emails.withdraw(b"a.2", (0, 2, 0))

    assert emails.steps() == [
        "commit progress=0",
        "EmailReleased",
        "commit progress=3",
        "append a=tombstone",
    ]


def test_tombstones_leave_in_the_order_of_the_log() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"b.1", BOB, (1, 1, 0))
    emails.withdraw(b"b.2", (1, 2, 0))
    emails.withdraw(b"a.2", (0, 2, 0))
    emails.claim(b"b.3", BOB, (1, 3, 0))
    emails.steps()

    sent = [key for topic, _, key, _ in emails.kafka.appended if topic == TOPICS.emails]
    assert sent == [b"b.1", b"a.1", b"b.2"]


def test_a_replay_sends_all_tombstones_again_and_commits_nothing() -> None:
    emails = Relayed(progress=9)
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.withdraw(b"a.2", (0, 2, 0))
    emails.claim(b"b.1", BOB, (0, 3, 0))

    assert emails.steps() == ["append a=tombstone a=tombstone"]


def test_many_tombstones_leave_in_portions_and_what_comes_meanwhile_waits() -> None:
    emails = Relayed()
    for n in range(email_relay.RECORDS * 2 + 1):
        emails.withdraw(b"a.%d" % n, (0, n, 0))

    said = emails.steps()

    assert len(emails.kafka.appended) == email_relay.RECORDS * 2
    assert [line for line in said if line.startswith("commit")] == [
        f"commit progress={email_relay.RECORDS * 2 + 1}"
    ]


@pytest.mark.parametrize("place", [(0, 1, 0), (0, 2, 0)], ids=["repeat", "withdrawal"])
def test_a_step_that_sends_the_last_tombstones_ends_the_work(place: Place) -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.withdraw(b"a.2", place)

    assert complete(emails.relay.step()) is False
    assert len(emails.kafka.appended) == 1
