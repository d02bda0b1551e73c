"""Records that cannot be folded, put into the log behind the service's back: what stops, what goes on, and when."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.

import asyncio
import contextlib
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.events import CompanyUpserted, EmailClaimed, ProfileUpserted
from schemas.identity import Identity, event_key
from streams.log.decisions import SetAside, append_decision
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from tests.support.service import (
    PARTITIONS,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)

IN_1950: Final = -631_152_000_000
AFTER_9999: Final = 1 << 58


class Position(NamedTuple):
    topic: str
    partition: int
    offset: int

    @property
    def argument(self) -> str:
        return f"{self.partition}:{self.offset}"


class Log:
    """The log of a service, as whoever can reach its Kafka has it."""

    def __init__(self, service: Service) -> None:
        self.topics = Topics(PARTITIONS, service.prefix)
        self.identity = Identity(bytes.fromhex(service.hash_key), PARTITIONS)
        self._kafka = service.kafka

    def put(self, topic: str, partition: int, *values: object) -> Position:
        """Append records; returns where the first one stands."""

        async def work() -> int:
            producer = AIOKafkaProducer(**self._kafka.client_options())
            await producer.start()
            try:
                batch = producer.create_batch()
                for value in values:
                    encoded = msgspec.json.encode(value)
                    batch.append(key=event_key(), value=encoded, timestamp=None)
                sent = await producer.send_batch(batch, topic, partition=partition)
                return (await sent).offset
            finally:
                await producer.stop()

        return Position(topic, partition, asyncio.run(work()))

    def end(self, topic: str, partition: int) -> int:
        async def work() -> int:
            consumer = AIOKafkaConsumer(**self._kafka.client_options())
            await consumer.start()
            try:
                place = TopicPartition(topic, partition)
                return (await consumer.end_offsets([place]))[place]
            finally:
                await consumer.stop()

        return asyncio.run(work())


@pytest.fixture(scope="module")
def service(kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each test leaves it ready."""
    with Service(kafka, tmp_path_factory.mktemp("stopped")) as service:
        service.settings["PROFILELOG_WRITE_TIMEOUT"] = "3"
        yield service.start()
        assert service.leaks() == []


@pytest.fixture(scope="module")
def account(service: Service) -> Account:
    return service.create_account("A")


@pytest.fixture(scope="module")
def log(service: Service) -> Log:
    return Log(service)


def stopped(service: Service) -> list[dict[str, Any]] | None:
    """What /ready says has stopped."""
    with contextlib.suppress(httpx.TransportError):
        answer = service.http.get("/ready")
        if answer.status_code == 503 and answer.json()["status"] == "stopped":
            return answer.json()["stopped"]
    return None


def said_to_stop(service: Service, position: Position, error: str) -> None:
    """Wait until /ready shows that just this record has stopped something."""
    expected = {**position._asdict(), "error": error}
    assert eventually(lambda: stopped(service)) == [expected]


def set_aside(service: Service, log: Log, position: Position) -> None:
    """What the command appends; returns when the service is ready again."""
    decision = SetAside(*position, at=1_900_000_000_000, why="a test put it there")
    asyncio.run(append_decision(service.kafka, log.topics, decision))
    service.wait_ready()


def lines_about(service: Service, position: Position) -> int:
    name = f"{position.topic}-{position.partition} stops before offset {position.offset},"
    return service.log.count(name)


def user_of(log: Log, account: Account, partition: int) -> str:
    """A uid whose profile is in the partition."""
    while True:
        uid = marked("uid")
        found = log.identity.uid_hash(account.id, uid)
        if log.identity.partition_of_hash(found) == partition:
            return uid


def test_an_event_that_cannot_be_folded_stops_its_partition_until_it_is_set_aside(
    service: Service, account: Account, log: Log
) -> None:
    here, there, later = (user_of(log, account, n) for n in (1, 2, 1))
    account.known(uid=here, plan="gold")
    bad = ProfileUpserted(account=account.id, at=IN_1950, uid=user_of(log, account, 1))
    good = ProfileUpserted(account=account.id, at=1_900_000_000_000, uid=later)

    position = log.put(log.topics.events, 1, bad, good)

    said_to_stop(service, position, "error")
    read, write = account.read(uid=here), account.upsert(uid=here, plan="silver")
    batch = account.batch([{"uid": there}])
    assert [each.status_code for each in (read, write, batch)] == [503, 503, 503]
    assert "nothing was written" in write.json()["messages"][0]
    account.known(uid=there)
    with pytest.raises(AssertionError, match="has not stopped at 1:0"):
        service.run("set-aside", "1:0", "--why", "a mistake", "--url", service.url)

    why = "a test put it there"
    service.run("set-aside", position.argument, "--why", why, "--url", service.url)
    service.wait_ready()

    assert account.profile(uid=here)["plan"] == "gold"
    assert account.has(uid=later)
    assert not account.has(uid=bad.uid or "")
    account.known(uid=here, plan="silver")
    assert lines_about(service, position) == 1
    (made,) = service.run("set-aside", "--list")["set_aside"]
    assert (made["partition"], made["offset"], made["why"]) == (
        position.partition,
        position.offset,
        why,
    )
    assert {each["different"] for each in service.run("audit")["partitions"]} == {0}


def test_a_repeat_after_a_kill_waits_until_the_former_holder_shows_the_email_no_more(
    service: Service, account: Account, log: Log
) -> None:
    former, later, email, key = marked("uid"), marked("uid"), marked_email(), uuid.uuid4().hex
    former_id, later_id = account.known(uid=former, email=email), account.known(uid=later)
    partition = log.identity.partition_of_hash(log.identity.email_hash(account.id, email))

    def claim() -> httpx.Response:
        return account.keyed(key, UPSERT, {"uid": later, "email": email})

    def claim_until_the_kill() -> None:
        with contextlib.suppress(httpx.TransportError):
            claim()

    # What comes behind this record is published, but nobody folds it.
    bad = EmailClaimed(account=account.id, at=1_900_000_000_000, email="no hash", id=former_id)
    position = log.put(log.topics.emails, partition, bad)
    said_to_stop(service, position, "ValueError")
    claiming = threading.Thread(target=claim_until_the_kill)
    claiming.start()
    eventually(lambda: log.end(log.topics.emails, partition) >= position.offset + 2)
    service.kill()
    claiming.join()
    service.launch()
    said_to_stop(service, position, "ValueError")
    history = account.http.get(f"/v3/analyze/profiles/{later_id}/history").json()["events"]
    claimed_at = "{partition}:{offset}".format(**history[0]["position"])

    def read() -> httpx.Response:
        waits = {"X-Min-Log-Position": claimed_at}
        return account.http.get("/v3/analyze/profile", params={"uid": former}, headers=waits)

    with ThreadPoolExecutor(2) as pool:
        answers = [asked.result() for asked in [pool.submit(claim), pool.submit(read)]]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert account.profile(uid=former)["email"] == email

    set_aside(service, log, position)
    answer = eventually(lambda: answer if (answer := claim()).is_success else None)

    assert answer.headers["X-Log-Position"] == claimed_at
    assert account.profile(uid=former)["email"] is None
    assert account.profile(email=email)["uid"] == later


def test_an_event_of_a_company_that_cannot_be_folded_stops_everything_until_it_is_set_aside(
    service: Service, account: Account, log: Log
) -> None:
    account.known(uid=(uid := marked("uid")), company_uid=marked("company"))
    bad = CompanyUpserted(account=account.id, at=AFTER_9999, id="c" * 24, uid=marked("company"))

    position = log.put(log.topics.companies, 0, bad)

    said_to_stop(service, position, "OverflowError")
    assert account.read(uid=uid).status_code == 503
    set_aside(service, log, position)
    assert "id" in account.profile(uid=uid)["company"]
    service.kill()
    service.start()
    assert "id" in account.profile(uid=uid)["company"]
    assert lines_about(service, position) == 1, "a start knows the decision before it folds"
