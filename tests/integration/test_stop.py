"""The service stops while requests are under way: each is answered in the contract's shape (contract §2)."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.broker import EmbeddedBroker
from tests.support.service import BATCH, EVENT, PROFILE, UPSERT, Account, Service, marked

pytestmark = pytest.mark.anyio

Send = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncGenerator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "kafka") as broker:
        yield broker


def _requests(uid: str) -> Mapping[str, Send]:
    """Requests that wait for a Kafka that does not answer."""
    profiles = [{"uid": marked("uid"), "plan": "gold"} for _ in range(3)]
    return {
        "upsert": lambda http: http.post(UPSERT, json={"uid": uid, "plan": "gold"}),
        "event": lambda http: http.post(EVENT, json={"uid": uid, "name": "seen"}),
        "batch": lambda http: http.post(BATCH, json={"profiles": profiles}),
        "clear": lambda http: http.delete("/v3/edit/profiles", params={"uid": uid}),
        "forget": lambda http: http.delete("/v3/edit/profiles/forget", params={"uid": uid}),
        "read": lambda http: http.get(
            PROFILE, params={"uid": uid}, headers={"X-Min-Log-Position": "0:1000000"}
        ),
    }


@asynccontextmanager
async def _under_way(
    account: Account, service: Service, requests: Mapping[str, Send]
) -> AsyncGenerator[list["asyncio.Task[httpx.Response]"]]:
    """The requests, once the service has begun with all of them."""
    headers = {"X-Account-Secret": account.secret}
    async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60) as http:
        tasks = [asyncio.ensure_future(send(http)) for send in requests.values()]
        # The loop answers a later connection only after it has read what came before.
        async with asyncio.timeout(20):
            for _ in range(10):
                assert (await http.get("/health")).status_code == 200
        assert not any(task.done() for task in tasks)
        yield tasks


def _in_the_contracts_shape(answers: list[httpx.Response]) -> bool:
    """503, JSON, `Retry-After`, and a message that says what became of a write."""
    return all(
        answer.status_code == 503
        and answer.json()["code"] == 503
        and int(answer.headers["Retry-After"]) > 0
        and any(word in answer.json()["messages"][0] for word in ("in doubt", "not written"))
        for answer in answers
    )


async def test_requests_under_way_at_a_sigterm_are_answered_with_503(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    with Service(broker.access, tmp_path / "service") as service:
        account = service.start().create_account("Stopped")
        uid = marked("uid")
        account.known(uid=uid, plan="free")
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            async with _under_way(account, service, _requests(uid)) as tasks:
                service.process.send_signal(signal.SIGTERM)
                answers = await asyncio.gather(*tasks)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert _in_the_contracts_shape(answers), [answer.text for answer in answers]
        assert service.ended() == 0
        assert service.leaks() == []
        assert "Traceback" not in service.log


async def test_a_node_is_a_static_member_of_its_group_under_the_id_of_its_folder(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """So that after a kill -9 it gets its partitions back at once."""
    with Service(broker.access, tmp_path / "service") as service:
        service.start()
        [member] = await _members(service)
        node = (service.data / "node.id").read_text().strip()
        assert member.startswith(f"{node}-"), "Kafka names a static member after its instance id"
        service.kill()
        service.start()
        [again] = await _members(service)
        assert again.startswith(f"{node}-")


async def _members(service: Service) -> list[str]:
    """The ids of the members of the service's group."""
    admin = AIOKafkaAdminClient(**service.kafka.client_options())
    await admin.start()
    try:
        answers: Any = await admin.describe_consumer_groups([f"{service.prefix}profilelog"])
        [group] = answers[0].groups
        return [member[0] for member in group[5]]
    finally:
        await admin.close()
