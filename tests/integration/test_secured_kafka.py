"""Kafka as others run it: TLS, passwords, ACLs, topics that are there already, settings that it refuses.

The service runs with the rights that docs/operating.md lists, and no others.
"""

# aiokafka is annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from schemas.errors import OperatorError
from schemas.identity import Identity
from streams.log.connecting import refusal
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader
from streams.log.rights import MissingRights, kafka_admin
from streams.log.topic_settings import PACE, alter_settings, read_settings, topic_settings
from streams.log.topics import Topics, prepare_topics
from tests.support import command_line
from tests.support.acls import Acl, give, listed, take
from tests.support.secured_kafka import USER, SecuredKafka
from tests.support.service import PARTITIONS, PURGE_WITHIN, Service, marked, marked_email

PREFIX = "mine-"
OTHERS = "others-"
STOP_SECONDS = 2.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    kafka = SecuredKafka(tmp_path_factory.mktemp("secured"))
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.stop()


@pytest.fixture(scope="module")
def topics(kafka: SecuredKafka) -> Topics:
    """They are there, and the service's user has the listed rights."""
    topics = Topics(PARTITIONS, PREFIX)
    make_topics(kafka.admin, topics)
    give(kafka.admin, USER, listed(PREFIX))
    return topics


@pytest.fixture(scope="module")
def service(
    kafka: SecuredKafka, topics: Topics, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Not started."""
    with Service(kafka.user, tmp_path_factory.mktemp("service"), prefix=topics.prefix) as service:
        yield service
        assert service.leaks() == []


def make_topics(access: KafkaAccess, topics: Topics) -> None:
    """Make them as docs/operating.md says, before the service starts."""
    settings = topic_settings(PURGE_WITHIN)

    async def work() -> None:
        async with kafka_admin(access) as admin:
            new = [
                NewTopic(name, count, 1, topic_configs=settings)
                for name, count in topics.sizes().items()
            ]
            await admin.create_topics(new)

    asyncio.run(work())


def alter(access: KafkaAccess, topics: list[str], settings: Mapping[str, str]) -> None:
    async def work() -> None:
        async with kafka_admin(access) as admin:
            await alter_settings(admin, topics, settings)

    asyncio.run(work())


def prepare(access: KafkaAccess, prefix: str) -> None:
    """What a start does with the topics."""
    topics, identity = Topics(1, prefix), Identity(b"k" * 32, 1)
    asyncio.run(prepare_topics(access, topics, identity, purge_within=PURGE_WITHIN, replication=1))


# --- with all rights


def test_the_listed_rights_are_enough(
    kafka: SecuredKafka, topics: Topics, service: Service
) -> None:
    account = service.start().create_account("A")
    uid, email = marked("uid"), marked_email()
    account.known(uid=uid, email=email)
    kept = account.known(uid=marked("uid"), email=marked_email("kept"))
    deletion = account.forget(uid=uid).json()["deletion"]["id"]
    # The operator's user may do what the service's may not.
    alter(kafka.admin, topics.purged, dict.fromkeys(PACE, "1000"))

    assert not account.has(email=email)
    assert account.profile(id=kept)["email"].startswith("kept")
    account.purged(deletion)
    assert service.run("audit")["same"]

    alter(kafka.admin, topics.purged, topic_settings(PURGE_WITHIN))
    assert service.terminate() == 0
    assert "put right" not in service.log


# --- without one of them


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (
            Acl("topic", f"{PREFIX}profile-events", "literal", "Write"),
            f"Write on the topic {PREFIX}profile-events: give",
        ),
        (
            Acl("topic", f"{PREFIX}progress", "literal", "DescribeConfigs"),
            f"DescribeConfigs on the topic {PREFIX}progress: give",
        ),
        (
            Acl("group", f"{PREFIX}profilelog", "literal", "Read"),
            f"Read on the group {PREFIX}profilelog: give",
        ),
        (
            Acl("transactional id", f"{PREFIX}profilelog-", "prefixed", "Write"),
            f"Write on the transactional id {PREFIX}profilelog-{PREFIX}profile-",
        ),
    ],
)
def test_a_missing_right_ends_the_start_and_is_named(
    kafka: SecuredKafka, service: Service, right: Acl, said: str
) -> None:
    take(kafka.admin, USER, right)
    before = len(service.log)
    try:
        service.launch()
        assert service.ended() == 1
    finally:
        give(kafka.admin, USER, [right])

    told = service.log[before:]
    assert f"profilelog: Kafka does not allow {said}" in told.splitlines()[-1]
    assert "Traceback" not in told


def test_topics_that_may_not_be_made_are_named(kafka: SecuredKafka) -> None:
    prefix = "not-made-"
    give(kafka.admin, USER, [right for right in listed(prefix) if right.kind == "topic"])

    with pytest.raises(MissingRights) as refused:
        prepare(kafka.user, prefix)

    missing = {str(each) for each in refused.value.missing}
    assert missing == {f"Create on the topic {name}" for name in Topics(1, prefix).sizes()}


def test_a_start_makes_its_topics_where_it_may(kafka: SecuredKafka) -> None:
    prefix = "made-"
    rights = [right for right in listed(prefix) if right.kind == "topic"]
    give(kafka.admin, USER, [*rights, Acl("topic", prefix, "prefixed", "Create")])

    prepare(kafka.user, prefix)
    prepare(kafka.user, prefix)


# --- settings that may not be changed


@pytest.fixture
def others(kafka: SecuredKafka) -> list[str]:
    """Topics on which the user may not alter anything."""
    topics = Topics(1, OTHERS)
    make_topics(kafka.admin, topics)
    give(kafka.admin, USER, [right for right in listed(OTHERS) if right.kind == "topic"])
    return list(topics.sizes())


def test_a_setting_that_stays_otherwise_is_named_with_its_cost(
    kafka: SecuredKafka, others: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    slower, harmless = {"segment.ms": "900000"}, {"max.message.bytes": str(8 << 20)}
    alter(kafka.admin, others[:1], slower | harmless)

    with caplog.at_level(logging.WARNING, "streams"):
        prepare(kafka.user, OTHERS)

    (line,) = [each.getMessage() for each in caplog.records if each.name.startswith("streams")]
    assert line.startswith(f"{others[0]} has segment.ms=900000 instead of 10000")
    assert f"the right to AlterConfigs on the topic {others[0]} is missing" in line
    assert line.endswith("erasures take longer, and receipts become overdue")
    alter(kafka.admin, others, topic_settings(PURGE_WITHIN))


def test_a_setting_by_which_profiles_would_be_lost_ends_the_start(
    kafka: SecuredKafka, others: list[str]
) -> None:
    alter(kafka.admin, others[:1], {"cleanup.policy": "delete"})

    with pytest.raises(OperatorError, match=r"cleanup\.policy=delete .*would delete profiles"):
        prepare(kafka.user, OTHERS)

    alter(kafka.admin, others, topic_settings(PURGE_WITHIN))


def test_what_is_put_right_leaves_an_operators_own_settings(
    kafka: SecuredKafka, others: list[str]
) -> None:
    alter(kafka.admin, others, {"segment.bytes": str(64 << 20), "segment.ms": "900000"})

    prepare(kafka.operator, OTHERS)  # who may alter settings

    async def found() -> dict[str, str]:
        async with kafka_admin(kafka.admin) as admin:
            return (await read_settings(admin, others[:1]))[others[0]]

    settings = asyncio.run(found())
    assert (settings["segment.bytes"], settings["segment.ms"]) == (str(64 << 20), "10000")


# --- connections


def test_a_wrong_password_is_said_in_words(kafka: SecuredKafka, tmp_path: Path) -> None:
    wrong = replace(kafka.user, password="Wr0ng-password")
    with Service(wrong, tmp_path, prefix=PREFIX) as service:
        done = command_line.run("accounts", "list", **service.environment)

    told = command_line.complaint(done)
    assert f"does not know the user {USER} with this password by SCRAM-SHA-512" in told
    assert "Wr0ng-password" not in done.stderr


def test_whom_kafka_does_not_let_in_is_told_why(kafka: SecuredKafka) -> None:
    user, operator = kafka.user, kafka.operator
    closed = KafkaAccess(user.bootstrap)
    said = {
        replace(user, username="nobody"): "does not know the user nobody",
        replace(user, mechanism="PLAIN"): "does not take passwords by PLAIN",
        replace(user, ca_file=None): "cannot be trusted",
        replace(operator, cert_file=None, key_file=None): "CERT_FILE",
        closed: "PROFILELOG_KAFKA_SECURITY_PROTOCOL",
    }

    for access, words in said.items():
        assert words in (asyncio.run(refusal(access)) or "")
    assert asyncio.run(refusal(user)) is None
    assert asyncio.run(refusal(operator)) is None


def test_a_consumer_that_fetches_stops_at_once(kafka: SecuredKafka, topics: Topics) -> None:
    async def work() -> None:
        consumer = make_reader(kafka.operator, reset="earliest", fetch_max_wait_ms=10_000)
        await consumer.start()
        consumer.assign([TopicPartition(topics.events, 0)])
        await consumer.getmany(timeout_ms=100)  # the next fetch waits for more
        async with asyncio.timeout(STOP_SECONDS):
            await consumer.stop()

    with asyncio.Runner(
        loop_factory=uvloop.new_event_loop
    ) as runner:  # as the service and its commands run
        runner.run(work())


def test_a_command_shows_its_certificate(kafka: SecuredKafka, tmp_path: Path) -> None:
    with Service(kafka.operator, tmp_path, prefix="certified-") as service:
        assert service.run("accounts", "create", "A")["account"]["name"] == "A"
        assert service.run("accounts", "list")["accounts"] != []
