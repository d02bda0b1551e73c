"""The purge on a real broker: no byte of a forgotten user is left, and the receipt says so only then.

One broker serves all of it. Of two services one purges at the pace of 30 s; the other's topics were tampered with
before anything else began, so that it is overdue when the others are done.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from projections import keyspace
from projections.auditing.state_files import journal_rows, table_rows
from streams.log.topic_settings import topic_settings
from tests.support.kafka import Broker, change, hurry, lags, said_of
from tests.support.service import (
    PURGE_WITHIN,
    REPOSITORY,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)


class Stuck(NamedTuple):
    """A service whose broker will not compact, and the deletion that waits for it."""

    service: Service
    account: Account
    deletion: str


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.stop()


@pytest.fixture(scope="module", autouse=True)
def stuck(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stuck]:
    """Begun before all others, so that it is overdue when they are done."""
    with Service(broker.access, tmp_path_factory.mktemp("stuck")) as service:
        account = service.start().create_account("Stuck")
        settings = topic_settings(PURGE_WITHIN) | {
            "segment.ms": str(1 << 40),
            "max.compaction.lag.ms": str(1 << 40),
            "min.cleanable.dirty.ratio": "1",
        }
        change(service, settings)
        uid = marked("uid")
        account.known(uid=uid, email=marked_email())
        yield Stuck(service, account, account.forget(uid=uid).json()["deletion"]["id"])
        assert service.leaks() == []


@pytest.fixture(scope="module")
def service(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(broker.access, tmp_path_factory.mktemp("service")) as service:
        yield service.start()
        assert service.leaks() == []


@pytest.fixture(scope="module")
def account(service: Service) -> Account:
    return service.create_account("A")


# --- bytes


def kinds_with(folders: Sequence[Path], mark: str) -> set[str]:
    """The kinds of files that hold the bytes: the topic or `state`, and the suffix."""
    found: set[str] = set()
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                there = path.is_file() and mark.encode().lower() in path.read_bytes().lower()
            except FileNotFoundError:
                continue
            if there:
                place = path.parent.name.rpartition("-")[0].rpartition("-")[2]
                kind = "state" if "state" in path.parts else place
                found.add(f"{kind}{path.suffix}")
    return found


def live(account: Account, mark: str) -> str:
    """A user with the mark in every field, to whom all kinds of things happen; returns the uid."""
    uid = f"uid-{mark}"
    for n in range(40):
        account.known(
            uid=uid,
            email=f"{mark}-{n % 4}@example.com",
            long=mark * 100,  # is cut
            many=[mark, f"{n} {mark}", n],
            **{
                f"name {mark}": f"{mark} {n}",
                f"seen {mark} at": 1_700_000_000 + n,
                "deep": {mark: [mark, n], "two": {mark: {mark: mark, "four": {mark: mark}}}},
            },
        )
    id_ = account.profile(uid=uid)["id"]
    account.known(id=id_, email=f"Other-{mark}@Example.com", **{f"gone {mark}": "$unset"})
    account.known(email=f"other-{mark}@example.com", many=[mark])
    account.clear(uid=uid)
    account.track(uid=uid, name=f"did {mark}", **{f"with {mark}": mark, "deep": {mark: [mark]}})
    account.keyed(f"key-{mark}", UPSERT, {"uid": uid, "note": mark})
    account.applied(account.batch([{"uid": uid, "n": n, "text": mark * 20} for n in range(500)]))
    return uid


def test_no_byte_of_a_forgotten_user_is_left(
    broker: Broker, service: Service, account: Account
) -> None:
    mark, other = marked("erased").replace("-", ""), marked("kept").replace("-", "")
    folders = [broker.folder, service.data]
    others = live(account, other)
    uid = live(account, mark)
    before = account.read(uid=others).content
    # A restart writes what was in the memory of RocksDB into tables: then each kind of file has it.
    assert service.terminate() == 0
    service.start()
    account.known(uid=uid, text=mark)
    assert kinds_with(folders, mark) >= {"events.log", "profiles.log", "state.sst", "state.log"}

    answer = account.forget(uid=uid)
    again = account.upsert(uid=f"{uid}", text="back")
    receipt = account.purged(answer.json()["deletion"]["id"])

    assert again.status_code == 201
    assert receipt["events"] == 546
    assert receipt["bytes"] > 500 * 20 * len(mark)
    assert receipt["tombstoned_at"] <= receipt["purged_at"]
    assert account.profile(uid=uid)["text"] == "back"
    account.purged(account.forget(uid=uid).json()["deletion"]["id"])
    assert kinds_with(folders, mark) == set()
    assert kinds_with(folders, other) >= {"events.log", "profiles.log"}
    assert account.read(uid=others).content == before
    assert "deletions" not in service.http.get("/ready").json()


def members_in_files(service: Service, company: str) -> set[str]:
    """The profiles of a company's membership rows in any file of the state, deleted rows included."""
    start, _ = keyspace.members(company)
    found: set[str] = set()
    for folder in (service.data / "state").glob("*profile-events-*"):
        for suffix, rows in (("sst", table_rows), ("log", journal_rows)):
            for path in folder.glob(f"*.{suffix}"):
                keys = [key for key, _ in rows(path)]
                found |= {keyspace.member_id(key) for key in keys if key.startswith(start)}
    return found


def test_no_membership_row_of_a_forgotten_user_is_left(service: Service, account: Account) -> None:
    company = marked("company")
    stays, goes = (account.known(uid=marked("uid"), company_uid=company) for _ in range(2))
    company_id = account.profile(id=stays)["company_id"]
    # A restart writes the rows into tables.
    assert service.terminate() == 0
    assert members_in_files(service, company_id) == {stays, goes}
    service.start()

    account.purged(account.forget(id=goes).json()["deletion"]["id"])

    assert service.terminate() == 0
    assert members_in_files(service, company_id) == {stays}
    service.start()


# --- kill -9


def test_a_purge_is_done_once_wherever_the_service_is_killed(
    service: Service, account: Account
) -> None:
    uid = marked("uid")
    account.known(uid=uid, email=marked_email())
    deletion: str = account.forget(uid=uid).json()["deletion"]["id"]

    service.kill()  # the tombstones are on their way
    service.start()
    account.tombstoned(deletion)
    service.kill()  # segments are let roll
    for step in ("gone from the log", "gone from the state"):
        said = service.log.count(step)
        service.start()
        hurry(service)
        eventually(lambda: service.log.count(step) > said, seconds=90)  # noqa: B023
        service.kill()
    service.start()
    hurry(service)
    receipt = account.purged(deletion)
    service.kill()
    service.start()

    assert account.receipt(deletion) == receipt
    assert said_of(service, deletion).count("deletion-purged") == 1


def test_a_purge_is_done_once_wherever_the_broker_is_killed(
    broker: Broker, service: Service, account: Account
) -> None:
    uid = marked("uid")
    account.known(uid=uid, email=marked_email())
    steps = ("gone from the log", "gone from the state")
    said = {step: service.log.count(step) for step in steps}
    hurry(service)
    deletion: str = account.forget(uid=uid).json()["deletion"]["id"]

    broker.kill_and_start()  # the tombstones are on their way
    account.tombstoned(deletion)
    broker.kill_and_start()  # segments are let roll
    for step in steps:
        eventually(lambda: service.log.count(step) > said[step], seconds=90)  # noqa: B023
        broker.kill_and_start()
    receipt = account.purged(deletion)
    broker.kill_and_start()

    assert account.receipt(deletion) == receipt
    assert said_of(service, deletion).count("deletion-purged") == 1


# --- the operator


def test_a_command_says_what_waits_and_makes_it_quick(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Service.environment.fget
    assert environment is not None

    def slow(service: Service) -> dict[str, str]:
        more = {"PROFILELOG_PURGE_WITHIN": "86400", "PROFILELOG_URL": service.url}
        return {**environment(service), **more}

    monkeypatch.setattr(Service, "environment", property(slow))
    with Service(broker.access, tmp_path) as service:
        account = service.start().create_account("Slow")
        assert service.run("purge", "--wait")["open"] == 0
        account.known(uid=(uid := marked("uid")))
        deletion: str = account.forget(uid=uid).json()["deletion"]["id"]
        told = service.run("purge")
        requested = account.receipt(deletion)["requested_at"]
        assert (told["open"], told["first"], told["last"]) == (1, requested, requested)

        command = [sys.executable, "-m", "api.command_line.main", "purge", "--now"]
        with subprocess.Popen(command, cwd=REPOSITORY, env=service.environment) as interrupted:
            eventually(lambda: lags(service) == {"1000"})
            interrupted.send_signal(signal.SIGINT)
        assert interrupted.returncode == 130
        assert lags(service) == {"28800000"}

        done = service.run("purge", "--now")

        assert (done["purged"], done["open"]) == (1, 0)
        assert account.receipt(deletion)["status"] == "purged"
        assert lags(service) == {"28800000"}


def test_a_deletion_is_overdue_while_the_broker_does_not_compact_and_purged_afterwards(
    stuck: Stuck,
) -> None:
    service, account, deletion = stuck

    def overdue() -> dict[str, Any] | None:
        receipt = account.receipt(deletion)
        reason = receipt.get("reason", "")
        return receipt if receipt["status"] == "overdue" and "segment.ms" in reason else None

    receipt = eventually(overdue, seconds=120)
    assert receipt["purged_at"] is None
    ready = service.http.get("/ready")
    assert ready.status_code == 200
    (warning,) = ready.json()["warnings"]
    assert warning.startswith("1 deletion is overdue: ")
    assert f"max.compaction.lag.ms={1 << 40} instead of 10000" in warning
    (line,) = [line for line in service.log.splitlines() if "overdue" in line]
    assert deletion in line

    change(service, topic_settings(PURGE_WITHIN))

    assert "reason" not in account.purged(deletion)
    eventually(lambda: "warnings" not in service.http.get("/ready").json())
