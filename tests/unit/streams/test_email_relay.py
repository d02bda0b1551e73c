"""What leaves a partition of the email index, and when (the docstring of `streams.partition.email_relay`)."""

from schemas.events import EmailClaimed, EmailWithdrawn, Place, encode
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
        append, in_order = self.kafka.append, self.kafka.append_in_order
        self.relay = EmailRelay(self.state, TOPICS, IDENTITY, self.kafka, append, in_order)

        async def read_progress() -> int | None:
            return progress

        complete(self.relay.start(read_progress))
        self.kafka.said.clear()

    def claim(self, key: bytes, id_: str, place: Place) -> None:
        claim = EmailClaimed(account=ACCOUNT, at=AT, email="e" * 32, id=id_, place=place)
        self.put(key, encode(claim))

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
    emails.claim(b"a.2", ADA, (0, 1, 0))

    assert emails.steps() == ["commit progress=2", "append a=tombstone"]
    assert emails.kafka.appended == [(TOPICS.emails, 0, b"a.2", None)]
    assert emails.steps() == []


def test_releases_leave_before_tombstones_and_behind_a_proof() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"a.2", ADA, (0, 1, 0))
    emails.claim(b"b.1", BOB, (0, 2, 0))

    assert emails.steps() == [
        "commit progress=0",
        "EmailReleased",
        "commit progress=3",
        "append a=tombstone",
    ]


def test_tombstones_leave_in_the_order_of_the_log() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.put(b"a.2", encode(EmailWithdrawn((0, 2, 0))))
    emails.claim(b"a.3", ADA, (0, 1, 0))
    emails.claim(b"b.1", BOB, (0, 3, 0))
    emails.steps()

    assert [key for _, _, key, _ in emails.kafka.appended] == [b"a.1", b"a.3", b"a.2"]


def test_a_replay_sends_all_tombstones_again_and_commits_nothing() -> None:
    emails = Relayed(progress=9)
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"a.2", ADA, (0, 1, 0))
    emails.claim(b"b.1", BOB, (0, 2, 0))

    assert emails.steps() == ["append a=tombstone"]


def test_many_tombstones_leave_in_portions_and_what_comes_meanwhile_waits() -> None:
    emails = Relayed()
    for n in range(email_relay.RECORDS * 2 + 1):
        emails.claim(b"a.%d" % n, ADA, (0, 1, 0))

    said = emails.steps()

    assert len(emails.kafka.appended) == email_relay.RECORDS * 2
    assert [line for line in said if line.startswith("commit")] == [
        f"commit progress={email_relay.RECORDS * 2 + 1}"
    ]


def test_a_step_that_sends_the_last_tombstones_ends_the_work() -> None:
    emails = Relayed()
    emails.claim(b"a.1", ADA, (0, 1, 0))
    emails.claim(b"a.2", ADA, (0, 1, 0))

    assert complete(emails.relay.step()) is False
