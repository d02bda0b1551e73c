"""A company with many members is deleted, and the service is killed meanwhile (`streams.erasure.company_deletion`)."""

# aiokafka is not annotated. Of what it returns, this file uses keys and values only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.support.service import PARTITIONS, Account, Service, eventually, marked, marked_email

MEMBERS = 4000
SAMPLE = range(0, MEMBERS, MEMBERS // 20)
HOOK = "/v3/observe/hooks/companies"


class Firm:
    """A company, its members, and somebody in another company."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.uid = marked("company")
        self.name = marked("name")
        account.http.post(HOOK, json={"uid": self.uid, "name": self.name})
        self._mark = marked("uid")
        self.members = [f"{self._mark}-{n}" for n in range(MEMBERS)]
        items = [{"uid": uid, "company_uid": self.uid} for uid in self.members]
        account.applied(account.batch(items))
        self.other = account.known(uid=marked("uid"), company_uid=marked("company"))
        self.id: str = account.profile(uid=self.members[0])["company_id"]

    @property
    def is_there(self) -> bool:
        answer = self.account.http.get("/v3/analyze/company", params={"uid": self.uid})
        assert answer.status_code in {200, 404}, answer.text
        return answer.status_code == 200

    def delete_and_kill(self, service: Service, **query: str) -> None:
        """The service dies once the deletion is in the log, and again as soon as it is back."""
        params = {"uid": self.uid, **query}

        def delete() -> None:
            try:
                self.account.http.delete("/v3/edit/company", params=params)
            except httpx.TransportError:
                return

        deleting = threading.Thread(target=delete)
        deleting.start()
        eventually(lambda: not self.is_there)
        service.kill()
        deleting.join()
        service.start()
        service.kill()
        service.start()


@pytest.fixture
def firm(own_service: Service) -> Firm:
    return Firm(own_service.create_account("A"))


def last_records(service: Service, topic: str, partitions: int) -> dict[str, dict[str, Any] | None]:
    """The last committed value of each key of a topic."""
    return asyncio.run(_last_records(service, topic, partitions))


async def _last_records(
    service: Service, topic: str, partitions: int
) -> dict[str, dict[str, Any] | None]:
    consumer = AIOKafkaConsumer(
        **service.kafka.client_options(),
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        places = [TopicPartition(service.prefix + topic, n) for n in range(partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: dict[str, dict[str, Any] | None] = {}
        for place in places:
            while await consumer.position(place) < ends[place]:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        value = None if record.value is None else json.loads(record.value)
                        found[(record.key or b"").decode()] = value
        return found
    finally:
        await consumer.stop()


def everybody_has_left(service: Service, company: str) -> bool:
    public = last_records(service, "profiles", PARTITIONS)
    shown = [value["profile"].get("company_id") for value in public.values() if value is not None]
    return company not in shown


def test_a_kill_does_not_stop_a_company_from_leaving_its_profiles(
    own_service: Service, firm: Firm
) -> None:
    account = firm.account

    firm.delete_and_kill(own_service)

    assert not firm.is_there
    assert not any("company_id" in account.profile(uid=firm.members[n]) for n in SAMPLE)
    eventually(lambda: everybody_has_left(own_service, firm.id))
    assert "company_id" in account.profile(id=firm.other)
    reads = [account.read(uid=firm.members[n]).content for n in SAMPLE]
    assert own_service.terminate() == 0
    own_service.lose_state()
    own_service.start()
    assert [account.read(uid=firm.members[n]).content for n in SAMPLE] == reads
    for n in SAMPLE:
        deletion = account.forget(uid=firm.members[n]).json()["deletion"]["id"]
        assert account.receipt(deletion)["events"] == 2


def test_a_kill_does_not_stop_a_cascade(own_service: Service, firm: Firm) -> None:
    account = firm.account
    account.known(uid=firm.members[0], email=(email := marked_email()))

    firm.delete_and_kill(own_service, cascade="profiles")

    assert not any(account.has(uid=firm.members[n]) for n in SAMPLE)
    assert not account.has(email=email)
    assert account.has(id=firm.other)

    def forgotten() -> list[str]:
        events = last_records(own_service, "profile-events", PARTITIONS).values()
        return [e["id"] for e in events if e is not None and e["type"] == "profile-forgotten"]

    ids = eventually(lambda: ids if len(ids := forgotten()) >= MEMBERS else None)
    assert len(ids) == len(set(ids)) == MEMBERS


def test_every_record_of_a_deleted_company_gets_its_tombstone(
    own_service: Service, firm: Firm
) -> None:
    firm.delete_and_kill(own_service)

    def erased() -> bool:
        kept = last_records(own_service, "company-events", 1)
        types = [value["type"] for value in kept.values() if value is not None]
        return firm.uid not in str(kept) and "company-tombstoned" in types

    eventually(erased)
    assert firm.name not in str(last_records(own_service, "company-events", 1))
