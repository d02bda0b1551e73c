"""Kafka does not answer for a while: writes are refused in time, reads go on, nothing is doubled.

Kafka is stopped with SIGSTOP, so that connections stay open and nothing answers: the hardest kind.
"""

import os
import signal
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from tests.support.service import Service, eventually, marked

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes are refused after 4 s, and 4 MiB may wait."""
    environment = Service.environment.fget
    assert environment is not None
    more = {"PROFILELOG_WRITE_TIMEOUT": "4", "PROFILELOG_MAX_PENDING_BYTES": str(4 << 20)}
    monkeypatch.setattr(Service, "environment", property(lambda one: {**environment(one), **more}))


@contextmanager
def frozen(broker: EmbeddedBroker) -> Generator[None]:
    """Kafka answers nothing while the block runs."""
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


async def test_writes_are_refused_while_kafka_does_not_answer_and_none_is_doubled(
    tmp_path: Path,
) -> None:
    async with EmbeddedBroker(tmp_path / "kafka") as broker:
        with Service(broker.access, tmp_path / "service") as service:
            account = service.start().create_account("Outage")
            uid = marked("uid")
            account.known(uid=uid, plan="free")

            with frozen(broker):
                doubtful = account.upsert(uid=uid, plan="gold")
                assert doubtful.status_code == 503
                assert int(doubtful.headers["Retry-After"]) > 0
                assert "in doubt" in doubtful.json()["messages"][0]
                # What follows waits behind it and never left, so it is known not to be written.
                undone = account.upsert(uid=uid, plan="platinum")
                assert undone.status_code == 503
                assert "not written" in undone.json()["messages"][0]
                assert account.profile(uid=uid)["plan"] == "free"

            eventually(lambda: account.upsert(uid=uid, seats=7).is_success, seconds=60)
            profile = account.profile(uid=uid)
            assert profile["seats"] == 7
            assert profile["plan"] == "gold", "the write in doubt came, the one undone did not"
            forgotten = account.forget(uid=uid).json()["deletion"]["id"]
            # free, gold, and the writes of `seats` that were answered or came late: no write twice.
            assert account.receipt(forgotten)["events"] >= 3
            assert service.leaks() == []


async def test_writes_that_wait_for_kafka_fill_no_queue_without_end(
    tmp_path: Path,
) -> None:
    async with EmbeddedBroker(tmp_path / "kafka") as broker:
        with Service(broker.access, tmp_path / "service") as service:
            account = service.start().create_account("Outage")
            body = {f"p{n}": "x" * 700 for n in range(1000)}

            with frozen(broker), ThreadPoolExecutor(4) as writers:
                # 2.8 MiB each, when 4 MiB may wait.
                batches = [[{"uid": marked("uid"), **body} for _ in range(4)] for _ in range(4)]
                answers = list(writers.map(account.batch, batches))

            assert {answer.status_code for answer in answers} == {503}
            texts = [answer.json()["messages"][0] for answer in answers]
            assert sum("too many writes wait" in text for text in texts) >= 2
            eventually(lambda: account.upsert(uid=marked("after")).is_success, seconds=60)
