"""Consumers that are killed, resumed and too slow (contract §13)."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka is annotated in part.

import asyncio
import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.integration.test_public_topic import Users
from tests.support.following import Event, Following
from tests.support.service import PARTITIONS, Account, Service, marked


class Mirror:
    """What a consumer makes of a stream: the profiles of the account, as it believes them to be.

    It is killed and comes back at random, with what it had and the place where it was.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.profiles: dict[str, dict[str, Any]] = {}
        self.place: str | None = None

    def follow(self) -> Following:
        if self.place is None:
            return Following(self.account, None, **{"from": "start"})
        return Following(self.account, {"Last-Event-ID": self.place})

    def take(self, stream: Following) -> None:
        """Take over what has come, and close."""
        stream.close()
        for event in stream.events:
            self.apply(event)
        self.place = stream.last_id

    def apply(self, event: Event) -> None:
        match event.type:
            case "caught-up" | "too-slow":
                pass
            case "profile-forgotten":
                self.profiles.pop(event.data["profile"]["id"], None)
            case _:
                self.profiles[event.data["profile"]["id"]] = event.data["profile"]


def test_a_stream_killed_and_resumed_at_random_ends_with_the_services_state(
    service: Service,
) -> None:
    account = service.create_account("Mirrored")
    users, mirror, choice = Users(account), Mirror(account), random.Random(7)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(users.live_together, 0, 12)
        while not writing.done():
            enough = choice.randrange(20)
            with mirror.follow() as stream:
                stream.until(lambda events, enough=enough: len(events) >= enough or writing.done())
                mirror.take(stream)

    with mirror.follow() as stream:
        applied = 0

        def same() -> bool:
            nonlocal applied
            for event in stream.events[applied:]:
                mirror.apply(event)
                applied += 1
            return mirror.profiles == users.documents()

        stream.until(lambda _: same())
    assert users.forgotten


class TopicMirror:
    """The same of the topic: what it has and its offsets are kept together, as in one transaction."""

    def __init__(self, service: Service, account: Account) -> None:
        self._service = service
        self._account = account.id.encode()
        topic = f"{service.prefix}profiles"
        self._offsets = {TopicPartition(topic, n): 0 for n in range(PARTITIONS)}
        self.profiles: dict[str, dict[str, Any]] = {}

    def follow(self, enough: Callable[[int], bool]) -> None:
        """Go on where it was, until `enough` says so of the number of records."""
        asyncio.run(self._follow(enough))

    async def _follow(self, enough: Callable[[int], bool]) -> None:
        consumer = AIOKafkaConsumer(
            **self._service.kafka.client_options(),
            isolation_level="read_committed",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            consumer.assign(list(self._offsets))
            for place, offset in self._offsets.items():
                consumer.seek(place, offset)
            read = 0
            while not enough(read):
                found = await consumer.getmany(timeout_ms=50, max_records=3)
                for place, records in found.items():
                    for record in records:
                        read += 1
                        self._offsets[place] = record.offset + 1
                        if ("account", self._account) in record.headers:
                            self._take((record.key or b"").decode(), record.value)
        finally:
            # Right after a start aiokafka lets a cancellation of its own out.
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    def _take(self, id_: str, value: bytes | None) -> None:
        if value is None:
            self.profiles.pop(id_, None)
        else:
            self.profiles[id_] = json.loads(value)["profile"]


def test_a_consumer_of_the_topic_killed_and_resumed_at_random_ends_with_the_services_state(
    service: Service,
) -> None:
    account = service.create_account("Mirrored by topic")
    users, mirror, choice = Users(account), TopicMirror(service, account), random.Random(7)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(users.live_together, 0, 12)
        while not writing.done():
            wanted = choice.randrange(20)
            mirror.follow(lambda read, wanted=wanted: read >= wanted or writing.done())
    expected = users.documents()
    deadline = time.monotonic() + 30
    mirror.follow(lambda _: mirror.profiles == expected or time.monotonic() > deadline)

    assert mirror.profiles == expected
    assert users.forgotten


def test_a_stream_goes_on_after_a_kill_of_the_service(own_service: Service) -> None:
    account = own_service.create_account("A")
    mirror = Mirror(account)
    with mirror.follow() as stream:
        ids = [account.known(uid=marked("uid"), n=n) for n in range(5)]
        stream.until(lambda events: len(events) >= 6)
        own_service.kill()
        stream.until(lambda _: stream.ended)
        mirror.take(stream)
    own_service.start()
    account.known(id=ids[0], n=10)
    account.forget(id=ids[1])

    with mirror.follow() as stream:
        stream.until(lambda _: {"profile-upserted", "profile-forgotten"} <= set(stream.types()))
        mirror.take(stream)

    shown = {id_: profile["n"] for id_, profile in mirror.profiles.items()}
    assert shown == {ids[0]: 10, ids[2]: 2, ids[3]: 3, ids[4]: 4}


def test_who_is_too_slow_is_told_so_and_resumes(service: Service) -> None:
    account = service.create_account("Slow")
    uid, texts = marked("uid"), ["x" * 768] * 1100  # 0.8 MiB
    with Following(account) as slow, Following(account, types="profile-cleared") as fast:
        slow.pause()
        id_ = account.known(uid=uid, n=0)  # what the pause lets through
        for n in range(60):
            account.known(uid=uid, n=n, texts=texts)
        account.clear(id=id_)
        fast.until(lambda events: events)
        slow.go_on()
        slow.until(lambda _: slow.ended)

        assert slow.types()[-1] == "too-slow"
        assert slow.events[-1].data["message"]
        place = slow.events[-1].id

    with Following(account, {"Last-Event-ID": place}) as resumed:
        resumed.until(lambda _: "caught-up" in resumed.types())
        assert resumed.events[-2].data["profile"]["n"] == 59
