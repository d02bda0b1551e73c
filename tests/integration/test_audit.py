"""`profilelog replay`, `audit` and `export events` as an auditor runs them, beside a service and without one."""

# aiokafka and rocksdict are annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from projections.storage import RocksStorage
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from tests.support.command_line import complaint, run
from tests.support.service import (
    PARTITIONS,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)

USERS = 12


class Place(NamedTuple):
    """A service of its own with users, one of whom was forgotten; its account, and who there is."""

    service: Service
    account: Account
    uids: list[str]
    forgotten: str


@pytest.fixture(scope="module")
def place(kafka: KafkaAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Service(kafka, tmp_path_factory.mktemp("audit")) as service:
        account = service.start().create_account("Audited")
        uids = [marked("uid") for _ in range(USERS)]
        for uid in uids:
            account.known(uid=uid, email=marked_email(), company_uid="acme", note=marked())
            account.track(uid=uid, name="signed up")
        moved = account.profile(uid=uids[1])["email"]
        account.known(uid=uids[2], email=moved)
        account.clear(uid=uids[3])
        account.tombstoned(account.forget(uid=uids[0]).json()["deletion"]["id"])
        account.keyed("k", "/v3/observe/hooks/profiles", {"uid": uids[4], "plan": "gold"})
        yield Place(service, account, uids[1:], uids[0])


def command(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = (name for name in service.environment if name.startswith("PROFILELOG_"))
    return run(*arguments, **{name: service.environment[name] for name in names})


def audited(service: Service, *, exit_code: int = 0) -> dict[str, Any]:
    done = command(service, "audit", "--json")
    assert done.returncode == exit_code, done.stdout + done.stderr
    return json.loads(done.stdout)


def digests(report: dict[str, Any]) -> dict[tuple[str, int], str]:
    return {(each["topic"], each["partition"]): each["digest"] for each in report["partitions"]}


def printed(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---------------------------------------------------------------------- beside a service that runs


def test_the_state_of_a_service_that_is_written_to_is_what_its_log_says(place: Place) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            place.account.known(uid=place.uids[number % 5], email=marked_email(), seats=number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        report = audited(place.service)
    finally:
        stop.set()
        writer.join()

    assert report["same"]
    assert {each["different"] for each in report["partitions"]} == {0}
    assert len(report["partitions"]) == 2 * PARTITIONS
    assert sum(each["records"] for each in report["partitions"]) > 2 * USERS


def test_a_replay_as_of_a_moment_gives_what_was_there_then(place: Place) -> None:
    account, uid = place.account, place.uids[6]
    account.known(uid=uid, plan="free")
    then = account.profile(**{"uid": uid, "expand[company]": "skip"})
    eventually(
        lambda: (
            account.upsert(uid=uid, plan="gold").is_success
            and account.profile(uid=uid)["updated_at"] > then["updated_at"]
        )
    )

    asked = ("replay", "--into", "-", "--uid", uid, "--account", account.id)
    (before,) = printed(command(place.service, *asked, "--as-of", then["updated_at"]))
    (now,) = printed(command(place.service, *asked))

    assert before["profile"] == {name: it for name, it in then.items() if name != "company"}
    assert before["account"] == account.id
    assert now["profile"]["plan"] == "gold"
    assert now["position"]["offset"] > before["position"]["offset"]


def test_who_was_forgotten_since_is_not_shown_as_of_an_earlier_moment(place: Place) -> None:
    uid = marked("uid")
    place.account.known(uid=uid, email=marked_email())
    then = place.account.profile(uid=uid)["updated_at"]
    place.account.forget(uid=uid)

    asked = ("replay", "--into", "-", "--account", place.account.id, "--as-of", then)
    lines = printed(command(place.service, *asked))

    assert len(lines) == USERS - 1
    assert uid not in {line["profile"]["uid"] for line in lines}


def test_a_replay_of_an_account_has_nobody_elses_profiles(place: Place) -> None:
    other = place.service.create_account("Another")
    uid = marked("uid")
    other.known(uid=uid)

    lines = printed(command(place.service, "replay", "--into", "-", "--account", other.id))

    assert [line["profile"]["uid"] for line in lines] == [uid]


def test_a_folder_that_is_not_empty_is_refused_and_stays_as_it_is(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("kept")

    told = complaint(command(place.service, "replay", "--into", str(tmp_path)))

    assert "is not an empty folder" in told
    assert (tmp_path / "mine").read_text() == "kept"


def test_an_unknown_account_leaves_no_folder_half_filled(place: Place, tmp_path: Path) -> None:
    into = tmp_path / "into"

    told = complaint(command(place.service, "replay", "--into", str(into), "--account", "0" * 24))

    assert told == "profilelog: No such account"
    assert list(into.iterdir()) == []


@pytest.mark.parametrize("given", [("--as-of", "yesterday"), ("--uid", "\x01")])
def test_a_wrong_option_is_told_without_its_value(place: Place, given: tuple[str, str]) -> None:
    done = command(place.service, "replay", "--into", "-", *given)

    assert (done.returncode, done.stdout) == (2, "")
    assert given[1] not in done.stderr


# ---------------------------------------------------------------------- events


def test_a_users_events_are_exported_as_they_stand_in_the_log(place: Place) -> None:
    uid, note = place.uids[7], marked()
    place.account.known(uid=uid, note=note)

    lines = printed(command(place.service, "export", "events", "--uid", uid))

    assert [line["type"] for line in lines] == [
        "profile-upserted",
        "event-tracked",
        "profile-upserted",
    ]
    assert lines[-1]["event"]["properties"] == {"note": note}
    offsets = [line["position"]["offset"] for line in lines]
    assert offsets == sorted(offsets)
    assert all(len(line["key"]) == 32 for line in lines)


def test_of_who_was_forgotten_no_event_is_exported(place: Place) -> None:
    told = complaint(command(place.service, "export", "events", "--uid", place.forgotten))

    assert "nobody of this uid, or forgotten" in told
    assert place.forgotten not in told


# ---------------------------------------------------------------------- without a service


def test_replays_and_an_audit_give_one_digest_and_write_to_no_topic(
    place: Place, tmp_path: Path
) -> None:
    place.service.terminate()
    before = asyncio.run(_ends(place.service))

    report = audited(place.service)
    first, second = (
        json.loads(command(place.service, "replay", "--into", str(into), "--json").stdout)
        for into in (tmp_path / "one", tmp_path / "two")
    )

    assert report["same"]
    assert digests(first) == digests(second) == digests(report)
    assert len(list((tmp_path / "one").iterdir())) == 2 * PARTITIONS
    assert asyncio.run(_ends(place.service)) == before
    place.service.start()


def test_one_byte_is_found_in_a_document_an_index_entry_and_a_receipt(place: Place) -> None:
    place.service.terminate()
    state = place.service.data / "state"
    planted = [_plant(state, topic, prefix) for topic, prefix in PLANTED]
    try:
        report = audited(place.service, exit_code=1)
        told = command(place.service, "audit")
    finally:
        for folder, key, row in planted:
            _write(folder, key, row)

    found = [each for partition in report["partitions"] for each in partition["differences"]]
    assert not report["same"]
    assert {each["row"] for each in found} == {"document", "email index", "receipt"}
    assert {each["how"] for each in found} == {"differs"}
    assert "document of profile " in told.stdout
    assert "not as the log says, offset " in told.stdout
    for uid in place.uids:
        assert uid not in told.stdout + told.stderr
    assert audited(place.service)["same"]
    place.service.start()


PLANTED = (("profile-events", b"D"), ("profile-emails", b"E"), ("profile-events", b"R"))


# The last character of a document is its brace; the one before is a value's. The end of a receipt says which records
# were erased, of which the log may know nothing any more: the third byte belongs to its account.
_COMPARED = {b"D": -2, b"R": 2}


def _plant(state: Path, topic: str, prefix: bytes) -> tuple[Path, bytes, bytes]:
    """Flip the last bit of the first row of a kind; what stood there."""
    for folder in sorted(state.glob(f"*{topic}-*")):
        storage = RocksStorage(folder)
        try:
            found = next(storage.scan(prefix, prefix + b"\xff"), None)
        finally:
            storage.close()
        if found is not None:
            key, row = found
            at = _COMPARED.get(prefix, -1)
            changed = bytearray(row)
            changed[at] ^= 1
            _write(folder, key, bytes(changed))
            return folder, key, row
    raise AssertionError("no such row")


def _write(folder: Path, key: bytes, row: bytes) -> None:
    storage = RocksStorage(folder)
    storage.write({key: row})
    storage.close()


async def _ends(service: Service) -> dict[TopicPartition, int]:
    topics = Topics(PARTITIONS, service.prefix)
    consumer = AIOKafkaConsumer(**service.kafka.client_options())
    await consumer.start()
    try:
        places = [
            TopicPartition(name, n) for name, size in topics.sizes().items() for n in range(size)
        ]
        return await consumer.end_offsets(places)
    finally:
        await consumer.stop()


def test_a_folder_without_a_state_ends_with_2(place: Place, tmp_path: Path) -> None:
    environment = {**place.service.environment, "PROFILELOG_DATA": str(tmp_path)}

    done = run("audit", **{k: v for k, v in environment.items() if k.startswith("PROFILELOG_")})

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no state in" in done.stderr
