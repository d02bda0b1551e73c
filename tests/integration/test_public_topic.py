"""What the world outside reads: the topics `profiles` and `profile-emails` (contract §13)."""

# aiokafka is not annotated. Of what it returns, this file uses keys and values only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.support.service import PARTITIONS, Account, Service, eventually, marked, marked_email

pytestmark = pytest.mark.anyio

USERS = 12
POLL_MS = 50


class Tail:
    """All committed records of a topic, in order, read as they come: compaction removes some."""

    def __init__(self, service: Service, topic: str) -> None:
        self._tps = [TopicPartition(service.prefix + topic, n) for n in range(PARTITIONS)]
        self._consumer = AIOKafkaConsumer(
            **service.kafka.client_options(),
            isolation_level="read_committed",
            enable_auto_commit=False,
        )
        self.records: list[tuple[str, dict[str, Any] | None]] = []

    @asynccontextmanager
    async def following(self) -> AsyncGenerator["Tail"]:
        await self._consumer.start()
        try:
            self._consumer.assign(self._tps)
            await self._consumer.seek_to_beginning(*self._tps)
            task = asyncio.create_task(self._follow())
            try:
                yield self
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        finally:
            await self._consumer.stop()

    async def _follow(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=POLL_MS)
            for record in [record for records in found.values() for record in records]:
                value = None if record.value is None else json.loads(record.value)
                assert record.key is not None
                self.records.append((record.key.decode(), value))

    @property
    def last(self) -> dict[str, dict[str, Any] | None]:
        """The last record of each key: what a consumer that begins now will read."""
        return dict(self.records)


class Users:
    """Users who are written to, cleared, robbed of their emails and forgotten."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.uids = [marked("uid") for _ in range(USERS)]
        self.emails = [marked_email() for _ in range(USERS // 2)]
        self.forgotten: set[str] = set()
        self.written = 0

    def write(self, user: int, n: int) -> None:
        """One step in the life of a user."""
        account, uid = self.account, self.uids[user]
        match n % 6:
            case 2:
                account.known(uid=uid, email=self.emails[(user + n) % len(self.emails)])
            case 4:
                account.clear(uid=uid)
            case 5 if user % 4 == 0:
                answer = account.forget(uid=uid)
                self.forgotten.add(answer.json()["profile"]["id"])
            case _:
                account.known(uid=uid, n=n, company_uid=marked("company"))
        self.written += 1

    def live(self, user: int, start: int, steps: int) -> None:
        """Some steps; fewer when the service is gone."""
        try:
            for n in range(start, start + steps):
                self.write(user, n)
        except (httpx.TransportError, KeyError):
            return

    def live_together(self, start: int, steps: int) -> None:
        with ThreadPoolExecutor(USERS) as pool:
            for life in [pool.submit(self.live, user, start, steps) for user in range(USERS)]:
                life.result()

    def documents(self) -> dict[str, dict[str, Any]]:
        """By id, every profile as it stands in the topic: without what is joined when it is read."""
        found: dict[str, dict[str, Any]] = {}
        for uid in self.uids:
            answer = self.account.read(uid=uid)
            if answer.status_code == 200:
                profile = answer.json()["profile"]
                profile.pop("company", None)
                found[profile["id"]] = profile
        return found


async def until_shown(tail: Tail, users: Users) -> None:
    """Wait until the topic has caught up with the service."""

    def caught_up() -> bool:
        shown = {id_: record["profile"] for id_, record in tail.last.items() if record is not None}
        return shown == users.documents()

    await asyncio.to_thread(eventually, caught_up, seconds=20)


async def test_the_last_record_of_each_key_is_the_document_that_is_read(
    service: Service,
) -> None:
    users = Users(await asyncio.to_thread(service.create_account, "Public"))
    async with Tail(service, "profiles").following() as tail:
        await asyncio.to_thread(users.live_together, 0, 12)

        def shown() -> dict[str, Any]:
            ids = users.documents()
            last = tail.last
            return {id_: (last.get(id_) or {}).get("profile") for id_ in ids}

        await asyncio.to_thread(eventually, lambda: shown() == users.documents())
        assert users.forgotten

        def forgotten() -> bool:
            return all(tail.last.get(id_, ...) is None for id_ in users.forgotten)

        await asyncio.to_thread(eventually, forgotten)


async def test_a_record_says_what_happened_and_what_changed(
    service: Service, account: Account
) -> None:
    uid, value = marked("uid"), marked()
    async with Tail(service, "profiles").following() as tail:
        id_ = await asyncio.to_thread(account.known, uid=uid, plan=value, seats=3)
        await asyncio.to_thread(account.known, uid=uid, plan=value, seats=4)
        await asyncio.to_thread(account.clear, uid=uid)

        def records() -> list[dict[str, Any]]:
            return [record for key, record in tail.records if key == id_ and record is not None]

        await asyncio.to_thread(eventually, lambda: len(records()) == 3)
        first, second, third = records()

    assert [r["event"]["type"] for r in (first, second, third)] == [
        "profile-upserted",
        "profile-upserted",
        "profile-cleared",
    ]
    for record in (first, second, third):
        assert sorted(record) == ["changed", "event", "profile"]
        assert sorted(record["event"]) == ["at", "id", "type"]
        assert record["event"]["at"] == record["profile"]["updated_at"]
    assert {"plan", "seats"} <= set(first["changed"])
    assert second["changed"] == ["seats"]
    assert second["profile"]["seats"] == 4
    assert {"percent", "last_cleared_at"} <= set(third["changed"])


async def test_after_a_kill_nothing_is_published_twice_and_nothing_is_missing(
    own_service: Service,
) -> None:
    account = await asyncio.to_thread(own_service.create_account, "A")
    users = Users(account)
    async with (
        Tail(own_service, "profiles").following() as profiles,
        Tail(own_service, "profile-emails").following() as emails,
    ):
        living = asyncio.create_task(asyncio.to_thread(users.live_together, 0, 10_000))
        await asyncio.to_thread(eventually, lambda: users.written > 20 * USERS)
        await asyncio.to_thread(own_service.kill)
        await living
        await asyncio.to_thread(own_service.start)
        await asyncio.to_thread(users.live_together, 0, 6)
        await until_shown(profiles, users)

    assert_each_event_once_and_in_order(profiles)
    assert all(profiles.last[id_] is None for id_ in users.forgotten)
    claims = Counter(key for key, value in emails.records if value is not None)
    assert claims
    assert set(claims.values()) == {1}


def assert_each_event_once_and_in_order(tail: Tail) -> None:
    """Event ids are UUIDv7: their first 12 digits are a time, which never goes back."""
    events: dict[str, list[str]] = defaultdict(list)
    for key, record in tail.records:
        if record is not None:
            events[key].append(record["event"]["id"])
    assert sum(map(len, events.values())) > 10 * USERS
    for ids in events.values():
        assert len(set(ids)) == len(ids)
        times = [id_[:12] for id_ in ids]
        assert times == sorted(times)
