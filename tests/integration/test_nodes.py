# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.
"""Several nodes of one deployment: each answers for all, and one that dies, stops or stands still is replaced."""

import asyncio
import itertools
import signal
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.identity import Identity
from streams.cluster.peers import DOOR
from streams.log.kafka_access import KafkaAccess
from streams.log.reading import make_reader, read_between
from streams.log.topics import LogMarker, Topics, known_log, prepare_topics
from tests.support.nodes import running_nodes, spread, wait_spread
from tests.support.service import (
    EVENT,
    PARTITIONS,
    PROFILE,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)

USERS = 4 * PARTITIONS


@pytest.fixture
def two(kafka: KafkaAccess, tmp_path: Path) -> Iterator[Sequence[Service]]:
    """Two nodes for one test alone."""
    with running_nodes(kafka, tmp_path, 2) as nodes:
        yield nodes
        assert [line for node in nodes for line in node.leaks()] == []


@pytest.fixture
def anywhere(two: Sequence[Service]) -> Account:
    """An account whose requests go to either node."""
    return spread(two[0].create_account("A"), two)


def people() -> list[tuple[str, str]]:
    """uid and email of users in all partitions, but for bad luck."""
    return [(marked("uid"), marked_email()) for _ in range(USERS)]


def at(account: Account, node: Service, method: str, path: str, **more: object) -> httpx.Response:
    """A request to one of the nodes; it may have gone."""
    headers = {"X-Account-Secret": account.secret}
    return node.http.request(method, path, headers=headers, **more)  # pyright: ignore[reportArgumentType]


def test_an_email_moves_between_users_of_any_node(anywhere: Account) -> None:
    users = people()
    for uid, email in users:
        anywhere.known(uid=uid, email=email)
    for (uid, _), (loser, email) in itertools.pairwise(users):
        anywhere.known(uid=uid, email=email)

        assert anywhere.profile(email=email)["uid"] == uid
        assert anywhere.profile(uid=loser).get("email") is None


def test_a_node_that_is_killed_is_replaced_and_nothing_is_lost(
    two: Sequence[Service], anywhere: Account
) -> None:
    users = people()
    for number, (uid, email) in enumerate(users):
        anywhere.known(uid=uid, email=email, number=number)
    left, killed = two

    killed.kill()

    def all_answered() -> bool:
        answers = [at(anywhere, left, "GET", PROFILE, params={"uid": uid}) for uid, _ in users]
        assert {answer.status_code for answer in answers} <= {200, 503}
        return all(answer.status_code == 200 for answer in answers)

    eventually(all_answered)
    for number, (uid, email) in enumerate(users):
        for named in ({"uid": uid}, {"email": email}):
            answer = at(anywhere, left, "GET", PROFILE, params=named)
            assert answer.json()["profile"]["number"] == number
        moved = marked_email()
        assert at(anywhere, left, "POST", UPSERT, json={"uid": uid, "email": moved}).is_success
        assert at(anywhere, left, "GET", PROFILE, params={"email": moved}).is_success

    killed.start()
    wait_spread(two)
    assert all(anywhere.has(uid=uid) for uid, _ in users)


def test_a_node_that_stood_still_shows_nothing_old(
    two: Sequence[Service], anywhere: Account
) -> None:
    uids = [uid for uid, _ in people()]
    for uid in uids:
        anywhere.known(uid=uid, number=1)
    going, still = two

    still.process.send_signal(signal.SIGSTOP)
    for uid in uids:
        eventually(
            lambda uid=uid: (
                at(anywhere, going, "POST", UPSERT, json={"uid": uid, "number": 2}).is_success
            )
        )
    with ThreadPoolExecutor(USERS) as pool:
        # They stand before the node that cannot take them yet.
        asked = [
            pool.submit(at, anywhere, still, "GET", PROFILE, params={"uid": uid}) for uid in uids
        ]
        still.process.send_signal(signal.SIGCONT)
        answers = [each.result() for each in asked]

    assert {answer.status_code for answer in answers} <= {200, 503}
    shown = [answer.json()["profile"]["number"] for answer in answers if answer.is_success]
    assert set(shown) <= {2}
    wait_spread(two)
    assert all(anywhere.profile(uid=uid)["number"] == 2 for uid in uids)


def test_a_stop_and_a_start_under_load_lose_and_double_nothing(
    two: Sequence[Service], anywhere: Account
) -> None:
    uids = [uid for uid, _ in people()]
    for uid in uids:
        anywhere.known(uid=uid)
    staying, leaving = two
    written = dict.fromkeys(uids, 0)

    def write(uid: str, until: float) -> None:
        key = 0
        while time.monotonic() < until:
            key += 1
            # Sent until it is taken, as a product does: the key gives it one effect.
            headers = {"X-Account-Secret": anywhere.secret, "Idempotency-Key": f"{uid}-{key}"}
            eventually(
                lambda headers=headers: (
                    staying.http.post(
                        EVENT, json={"uid": uid, "name": "counted"}, headers=headers
                    ).is_success
                )
            )
            written[uid] += 1

    with ThreadPoolExecutor(USERS) as pool:
        until = time.monotonic() + 15
        writers = [pool.submit(write, uid, until) for uid in uids]
        assert leaving.terminate() == 0
        leaving.start()
        for writer in writers:
            writer.result()

    wait_spread(two)
    counted = {uid: anywhere.tracked(uid=uid)["counted"]["count"] for uid in uids}
    assert counted == written


def test_a_forgotten_user_is_purged_from_every_node(
    two: Sequence[Service], anywhere: Account
) -> None:
    users = people()
    for uid, email in users:
        anywhere.known(uid=uid, email=email)

    deletions = [anywhere.forget(uid=uid).json()["deletion"]["id"] for uid, _ in users]

    for (uid, email), deletion in zip(users, deletions, strict=True):
        assert not anywhere.has(uid=uid)
        assert not anywhere.has(email=email)
        anywhere.purged(deletion)
    owned = [
        folder.name
        for node in two
        for folder in (node.data / "state").iterdir()
        if not folder.name.startswith(".")
    ]
    assert len(owned) == len(set(owned)) == 2 * PARTITIONS


def test_nodes_that_start_at_once_agree_whose_log_it_is(kafka: KafkaAccess) -> None:
    topics, identity = Topics(1, f"test-{uuid.uuid4().hex[:12]}-"), Identity(bytes(32), 1)

    async def prepare() -> LogMarker:
        return await prepare_topics(kafka, topics, identity, purge_within=30, replication=1)

    async def markers() -> list[tuple[bytes, LogMarker]]:
        place = TopicPartition(topics.progress, 0)
        consumer = make_reader(kafka)
        await consumer.start()
        try:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            return [
                (record.key, msgspec.json.decode(record.value, type=LogMarker))
                async for record in read_between(consumer, place, 0, end)
            ]
        finally:
            await consumer.stop()

    async def scenario() -> None:
        first = await prepare()
        # Another node has looked before that, found none, and writes its own.
        ((key, _),) = await markers()
        late = msgspec.json.encode(msgspec.structs.replace(first, log="f" * 32))
        producer = AIOKafkaProducer(**kafka.client_options(), acks="all")
        await producer.start()
        await producer.send_and_wait(topics.progress, late, key=key, partition=0)
        await producer.stop()

        assert await known_log(kafka, topics, identity) == first
        assert await prepare() == first
        # Compaction keeps the last.
        assert (await markers())[-1][1] == first

    asyncio.run(scenario())


def test_the_nodes_are_listed_with_what_they_own(two: Sequence[Service]) -> None:
    for asked in two:
        listed = asked.run("nodes")["nodes"]

        assert {node["url"] for node in listed} == {node.url for node in two}
        owned = [partition for node in listed for partition in node["partitions"]]
        assert sorted(owned) == list(range(PARTITIONS))
        assert all(node["lease_seconds"] > 0 for node in listed)


def test_the_door_is_for_nodes_alone(two: Sequence[Service]) -> None:
    for headers in ({}, {"X-Profilelog-Door": "0" * 64}):
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            answer = two[0].http.request(method, DOOR, headers=headers)
            elsewhere = two[0].http.request(method, "/nodes/nothing", headers=headers)
            assert answer.status_code == elsewhere.status_code == 404
            assert answer.content == elsewhere.content
