"""A state folder that is damaged is removed and folded again by itself; what its log cannot give back is kept."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from streams.log.kafka_access import KafkaAccess
from tests.support.damage import flip, last
from tests.support.service import Service, eventually, marked, marked_email

USERS = 60


class Past:
    """A service that does not run, whose state is in tables; and its users, in the order in which they came."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.start()
        self.account = service.create_account("A")
        self.users = [
            {"uid": marked("uid"), "email": marked_email(), "about": marked() * 40}
            for _ in range(USERS)
        ]
        for user in self.users:
            self.account.known(**user)
        self.restart()
        assert service.terminate() == 0

    def restart(self) -> None:
        """What is in the write-ahead log at a start is written into a table."""
        assert self.service.terminate() == 0
        self.service.start()

    def folder(self, topic: str) -> Path:
        return self.service.data / "state" / f"{self.service.prefix}{topic}-0"

    def check(self) -> None:
        """Every user is read and found, by uid and by email."""
        account = self.account
        for user in self.users:
            assert account.profile(uid=user["uid"])["about"] == user["about"]
            assert account.profile(email=user["email"])["uid"] == user["uid"]
        search = "/v3/analyze/profiles"
        eventually(lambda: account.http.get(search).status_code == 200)
        assert len(account.http.get(search, params={"limit": 500}).json()["profiles"]) == USERS

    def warnings(self) -> list[str]:
        return self.service.http.get("/ready").json().get("warnings", [])


@pytest.fixture(scope="module")
def past(kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with Service(kafka, tmp_path_factory.mktemp("damaged")) as service:
        yield Past(service)
        assert service.leaks() == []


def tables(folder: Path) -> list[Path]:
    found = [*folder.glob("*.sst")]
    assert found
    return found


def empty_current(folder: Path) -> None:
    (folder / "CURRENT").write_bytes(b"")


def flip_manifest(folder: Path) -> None:
    flip(last(folder, "MANIFEST-*"))


def drop_tables(folder: Path) -> None:
    for table in tables(folder):
        table.unlink()


@pytest.mark.parametrize("topic", ["profile-events", "profile-emails"])
@pytest.mark.parametrize("damage", [empty_current, flip_manifest, drop_tables])
def test_a_folder_that_cannot_be_opened_is_folded_again_at_the_start(
    past: Past, damage: Callable[[Path], None], topic: str
) -> None:
    damage(past.folder(topic))

    past.service.start()

    assert any(past.folder(topic).name in warning for warning in past.warnings())
    past.check()
    past.restart()
    assert past.warnings() == []
    assert past.service.terminate() == 0


def test_a_damage_that_a_running_service_meets_is_folded_again_by_itself(past: Past) -> None:
    folder = past.folder("profile-events")
    for table in tables(folder):
        flip(table, at=0)  # the first block of rows, which no opening reads
    past.service.launch()
    pid = past.service.process.pid

    eventually(lambda: repaired(past, folder), seconds=60)

    past.check()
    assert past.service.process.pid == pid
    assert past.service.process.poll() is None
    assert past.service.log.count("The service starts again now") == 1
    assert past.service.terminate() == 0


def repaired(past: Past, folder: Path) -> bool:
    """Whether the service is ready and says that the folder was damaged; the reads meet the damage."""
    try:
        for user in past.users:
            assert past.account.read(uid=user["uid"]).status_code in {200, 503}
        ready = past.service.http.get("/ready")
    except httpx.TransportError:
        return False
    named = any(folder.name in warning for warning in ready.json().get("warnings", []))
    return ready.status_code == 200 and named


def test_nothing_is_left_of_a_damaged_folder(past: Past, tmp_path: Path) -> None:
    state, folder = past.service.data / "state", past.folder("profile-events")
    folders = {path.name for path in state.iterdir()}
    for table in tables(folder):
        os.link(table, tmp_path / table.name)
    empty_current(folder)

    past.service.start()

    assert {path.name for path in state.iterdir()} == folders
    assert {path.stat().st_nlink for path in tmp_path.glob("*.sst")} == {1}
    assert past.service.terminate() == 0
