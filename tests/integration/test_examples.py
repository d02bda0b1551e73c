"""The programs of `examples/`, run as a user runs them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from streams.broker.properties import client_properties
from tests.support.service import REPOSITORY, Account, Service, eventually, marked

_STOP_SECONDS: Final = 30
_SAID: Final = re.compile(rb"\{.*\}")
Start = Callable[..., Callable[[], list[dict[str, Any]]]]


@pytest.fixture
def properties(service: Service, tmp_path: Path) -> Path:
    """The file that tells a client of the service's Kafka."""
    file = tmp_path / "kafka.properties"
    kafka = service.kafka
    file.write_text(
        client_properties(kafka) if kafka.username else f"bootstrap.servers={kafka.bootstrap}\n"
    )
    return file


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an example with arguments and variables; gives what reads the lines that it has printed."""
    running: list[subprocess.Popen[bytes]] = []

    def run(name: str, *arguments: str, **variables: str) -> Callable[[], list[dict[str, Any]]]:
        output = tmp_path / f"{name}.out"
        with output.open("wb") as out:
            command = [sys.executable, str(REPOSITORY / "examples" / name), *arguments]
            environment = {**os.environ, "PYTHONUNBUFFERED": "1", **variables}
            running.append(
                subprocess.Popen(
                    command, stdout=out, stderr=subprocess.STDOUT, cwd=tmp_path, env=environment
                )
            )
        # Faust's worker puts what is printed into its log.
        return lambda: [json.loads(said) for said in _SAID.findall(output.read_bytes())]

    yield run
    for process in running:
        process.terminate()
    try:
        for process in running:
            process.wait(_STOP_SECONDS)
    finally:
        for process in running:
            process.kill()


def test_the_plain_consumer_tells_of_each_change(
    service: Service, account: Account, start: Start, properties: Path
) -> None:
    uid = marked("uid")
    id_ = account.known(uid=uid, plan="free")
    said = start(
        "plain_consumer.py", "--kafka", str(properties), "--topic", f"{service.prefix}profiles"
    )

    def types() -> list[str]:
        return [each["type"] for each in said() if each["id"] == id_]

    eventually(lambda: types() == ["profile-upserted"])
    account.known(uid=uid, plan="gold")
    eventually(lambda: len(types()) == 2)
    account.forget(id=id_)

    eventually(lambda: types() == ["profile-upserted", "profile-upserted", "profile-forgotten"])


def test_the_agent_reacts_to_plan_changing_alone(
    service: Service, account: Account, start: Start, properties: Path
) -> None:
    uid = marked("uid")
    id_ = account.known(uid=uid, plan="free")
    said = start(
        "plan_agent.py", "worker", "--without-web",
        KAFKA=str(properties), TOPIC=f"{service.prefix}profiles", GROUP=f"{service.prefix}agent",
    )  # fmt: skip

    def plans() -> list[str]:
        return [each["plan"] for each in said() if each["id"] == id_]

    eventually(lambda: plans() == ["free"], seconds=60)
    account.known(uid=uid, seats=3)
    account.known(uid=uid, plan="gold")

    eventually(lambda: plans() == ["free", "gold"])
