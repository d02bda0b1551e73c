"""The process that writes the search index of the real service: killed, stopped, and left by its service."""

import os
import signal
from pathlib import Path

import pytest

from tests.integration.test_search_feed import count, files_with, index_folder, settled
from tests.support.searching import index_processes
from tests.support.service import Account, Service, eventually, marked

PROFILES = 20_000


def warnings(service: Service) -> str:
    answer = service.http.get("/ready")
    assert answer.status_code == 200, "an operator is warned; reads and writes go on"
    return " ".join(answer.json().get("warnings", []))


def index_process(service: Service) -> int:
    (process,) = index_processes(service.process.pid)
    return process


@pytest.fixture
def filled(own_service: Service) -> Account:
    account = own_service.create_account("A")
    account.applied(account.batch([{"uid": n, "plan": "old"} for n in range(PROFILES)]))
    eventually(lambda: count(account) == PROFILES)
    return account


def test_it_goes_behind_the_service(own_service: Service) -> None:
    process = index_process(own_service)

    assert os.getpriority(os.PRIO_PROCESS, process) == 10
    assert os.getpriority(os.PRIO_PROCESS, own_service.process.pid) < 10


def test_killed_while_it_indexes_it_is_replaced_and_nothing_is_lost(
    own_service: Service, filled: Account
) -> None:
    mark = marked()
    batch = filled.batch([{"uid": n, "plan": mark} for n in range(PROFILES)])
    assert filled.forget(uid=0).is_success
    killed = eventually(lambda: index_processes(own_service.process.pid) or None)[0]
    os.kill(killed, signal.SIGKILL)

    assert eventually(lambda: warnings(own_service)).startswith("the process of the search index")
    assert count(filled) == PROFILES - 1, "what was committed is searched, without who is forgotten"
    filled.applied(batch)
    eventually(lambda: count(filled, plan=mark) == PROFILES - 1)
    assert index_process(own_service) != killed
    eventually(lambda: not warnings(own_service))
    assert "the search index is built" not in own_service.log.split("has ended")[-1]


def test_stopped_it_is_noticed_and_replaced(own_service: Service, filled: Account) -> None:
    stopped = index_process(own_service)
    os.kill(stopped, signal.SIGSTOP)
    mark = marked()
    filled.known(uid=1, plan=mark)

    behind = eventually(lambda: own_service.http.get("/ready").json().get("behind"))
    assert behind["indexed"]["waiting"] == 1
    assert behind["indexed"]["seconds"] >= 1
    assert "has not answered" in eventually(lambda: warnings(own_service))
    eventually(lambda: count(filled, plan=mark) == 1)
    assert index_process(own_service) != stopped
    eventually(lambda: "behind" not in own_service.http.get("/ready").json())


def test_an_erasure_stands_its_end(own_service: Service, filled: Account) -> None:
    mark = marked().replace("-", "")
    filled.known(uid=f"{mark}uid", text=f"{mark}text")
    eventually(lambda: count(filled, text=f"{mark}text") == 1)
    before = generations(own_service)

    deletion = filled.forget(uid=f"{mark}uid").json()["deletion"]["id"]
    eventually(lambda: generations(own_service) > before, seconds=60)
    os.kill(index_process(own_service), signal.SIGKILL)
    filled.purged(deletion)

    assert list(files_with(own_service.data, mark)) == []
    assert settled(filled) == PROFILES


def generations(service: Service) -> set[Path]:
    return {path for path in index_folder(service).iterdir() if path.is_dir()}


@pytest.mark.parametrize("end", [Service.kill, Service.terminate])
def test_it_ends_with_its_service(own_service: Service, end: object) -> None:
    process = index_process(own_service)
    assert callable(end)

    end(own_service)

    eventually(lambda: not Path(f"/proc/{process}/cmdline").exists())


def test_stopped_it_ends_with_a_service_that_is_killed(own_service: Service) -> None:
    process = index_process(own_service)
    os.kill(process, signal.SIGSTOP)

    own_service.kill()

    eventually(lambda: not Path(f"/proc/{process}/cmdline").exists())
