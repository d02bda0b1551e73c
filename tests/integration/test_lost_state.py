"""A state that is lost, or of another log: folded again to the same bytes, or refused (design "Promises")."""

# aiokafka is not annotated. Of what it returns, this file uses names of topics only.
# pyright: reportUnknownMemberType=false

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.log.kafka_access import KafkaAccess
from tests.support.service import Account, Service, marked, marked_email


def lives(account: Account) -> list[dict[str, str]]:
    """Users to whom all kinds of things have happened; what to read them by."""
    uids = [marked("uid") for _ in range(60)]
    emails = [marked_email() for _ in uids]
    company = marked("company")
    for n, (uid, email) in enumerate(zip(uids, emails, strict=True)):
        account.known(uid=uid, email=email, n=n, at="$now", deep={"a": {"b": [1, 2.5, "x"]}})
    account.applied(account.batch([{"uid": uid, "company_uid": company} for uid in uids[:40]]))
    for n in range(0, 60, 6):
        account.clear(uid=uids[n])
        account.known(uid=uids[n + 1], email=emails[n], plan="$unset")
        account.known(uid=uids[n + 2], company_uid=None, email=None)
        account.forget(uid=uids[n + 3])
        account.forget(uid=uids[n + 4])
        account.known(uid=uids[n + 4], email=emails[n + 4].upper())
    return [{"uid": uid} for uid in uids] + [{"email": email} for email in emails]


class Snapshot(NamedTuple):
    """What the service answers, about everybody."""

    reads: list[tuple[int, bytes]]
    receipt: dict[str, Any]


class Past:
    """A service with a past, and what to ask it about."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._account = account = service.create_account("A")
        self._people = lives(account)
        batch = account.batch([{"uid": marked("uid")}, {"plan": "gold"}])
        account.applied(batch)
        self._batch = f"/v3/observe/hooks/batches/{batch.json()['batch']['id']}"
        account.known(uid=(uid := marked("uid")), email=marked_email())
        self._deletion: str = account.forget(uid=uid).json()["deletion"]["id"]
        self.snapshot = self.look()

    def look(self) -> Snapshot:
        account = self._account
        answers = [account.http.get(self._batch), *(account.read(**who) for who in self._people)]
        reads = [(answer.status_code, answer.content) for answer in answers]
        return Snapshot(reads, account.purged(self._deletion))


@pytest.fixture(scope="module")
def past(kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Its service does not run."""
    with Service(kafka, tmp_path_factory.mktemp("past")) as service:
        past = Past(service.start())
        assert service.terminate() == 0
        yield past
        assert service.leaks() == []


@pytest.fixture(scope="module")
def rebuilt(past: Past) -> Snapshot:
    """What it answers when it has lost its state and folded the log again."""
    past.service.lose_state()
    past.service.start()
    found = past.look()
    assert past.service.terminate() == 0
    return found


def test_a_lost_state_is_folded_again_to_the_same_bytes(past: Past, rebuilt: Snapshot) -> None:
    assert {status for status, _ in past.snapshot.reads} == {200, 404}
    assert rebuilt.reads == past.snapshot.reads


def test_a_receipt_is_the_same_when_a_lost_state_is_folded_again(
    past: Past, rebuilt: Snapshot
) -> None:
    assert rebuilt.receipt == past.snapshot.receipt


def refusal(service: Service) -> str:
    """Start a service that must not run; all that it says."""
    said = len(service.log)
    service.launch()
    assert service.ended() == 1
    text = service.log[said:].strip()
    assert "Traceback" not in text
    return text


def test_a_log_of_another_hash_key_is_refused_with_a_clear_text(past: Past) -> None:
    key, past.service.hash_key = past.service.hash_key, "ab" * 32
    try:
        text = refusal(past.service)
    finally:
        past.service.hash_key = key

    assert text.startswith("profilelog: the log was written with another hash key")
    assert "PROFILELOG_HASH_KEY" in text
    assert key not in text
    assert "ab" * 32 not in text
    assert len(text.splitlines()) == 1


def test_a_refused_start_does_no_harm(past: Past) -> None:
    past.service.start()

    assert past.look().reads == past.snapshot.reads
    assert past.service.terminate() == 0


def test_a_state_folder_of_another_log_is_refused_with_a_clear_text(past: Past) -> None:
    asyncio.run(remove_log(past.service))

    text = refusal(past.service)

    (said,) = [line for line in text.splitlines() if line.startswith("profilelog: ")]
    assert "was folded from another log" in said
    assert "remove the folder `state`" in said


async def remove_log(service: Service) -> None:
    """Remove the service's topics, so that its next start makes another log of the same name."""
    admin = AIOKafkaAdminClient(**service.kafka.client_options())
    await admin.start()
    try:
        topics = [name for name in await admin.list_topics() if name.startswith(service.prefix)]
        await admin.delete_topics(topics)
        async with asyncio.timeout(20):
            while set(topics) & set(await admin.list_topics()):  # each look takes its time
                pass
    finally:
        await admin.close()
