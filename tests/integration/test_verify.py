"""`profilelog verify` as an auditor runs it, beside a service and without one (contract §8)."""

# aiokafka is not annotated. Of what it returns, this file uses nothing.
# pyright: reportUnknownMemberType=false

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer

from streams.log.kafka_access import KafkaAccess
from tests.support.command_line import Running, run, up
from tests.support.service import Account, Service, eventually, marked, marked_email

COMPACTION_SECONDS = 180.0


class Report(NamedTuple):
    """What one run said."""

    exit_code: int
    document: dict[str, Any]

    @property
    def found(self) -> list[dict[str, Any]]:
        return self.document["found"]

    @property
    def kept(self) -> set[str]:
        """Kinds of what stays."""
        return {place["what"] for place in self.document["kept"]}

    @property
    def in_log(self) -> dict[str, list[int]]:
        """Offsets by topic, of what was found in the log."""
        offsets: dict[str, list[int]] = {}
        for place in self.found:
            if place["kind"] == "log":
                offsets.setdefault(place["topic"], []).append(place["offset"])
        return offsets

    @property
    def files(self) -> set[str]:
        """Files of the broker and of the state in which something was found, by what they are."""
        return {_folder_and_suffix(name) for name in self._names if not _is_index(name)}

    @property
    def in_search(self) -> set[str]:
        """What was found of the terms of the search index."""
        return {place["what"] for place in self.found if place["kind"] == "search"}

    @property
    def _names(self) -> set[str]:
        return {place["file"] for place in self.found if "file" in place}


def _is_index(name: str) -> bool:
    return name.startswith("search/")


def _folder_and_suffix(name: str) -> str:
    path = Path(name)
    return f"{path.parent}/*{path.suffix}" if path.suffix else name


def verify(data: Path, *asked: str) -> Report:
    done = run("verify", "--data", str(data), "--json", *asked)
    assert done.returncode in {0, 1}, done.stderr
    return Report(done.returncode, json.loads(done.stdout))


def published(look: Callable[[], Report], documents: int = 1) -> Report:
    """What a run says once the public documents have left: no answer to a write waits for them."""

    def found() -> Report | None:
        topics = (report := look()).in_log.items()
        left = sum(len(found) for topic, found in topics if topic.endswith("profiles"))
        return report if left == documents else None

    return eventually(found)


class Place(NamedTuple):
    """A service with an embedded broker, its data folder, and a marked user among others."""

    data: Path
    account: Account
    uid: str
    email: str
    note: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("verify")
    uid, email, note = marked("uid"), marked_email(), marked()
    with up(folder / "log", folder / "data") as running, _account(running) as account:
        account.known(uid=uid, email=email, note=note)
        account.known(email=email.upper(), plan="gold")
        for number in range(20):
            account.known(uid=f"{uid}{number}", email=f"x{email}{number}", note="quiet")
        published(lambda: verify(folder / "data", "--uid", uid), documents=2)
        yield Place(folder / "data", account, uid, email, note)


EVERYWHERE = {
    "broker/kafka/profile-events-0/*.log",
    "broker/kafka/profiles-0/*.log",
    "state/profile-events-0",
    "state/profile-events-0/*.log",
}


def test_a_person_is_found_in_each_topic_and_in_each_kind_of_file(place: Place) -> None:
    report = verify(place.data, "--uid", place.uid)

    assert report.exit_code == 1
    assert {topic: len(offsets) for topic, offsets in report.in_log.items()} == {
        "profile-events": 2,
        "profile-emails": 1,
        "profiles": 2,
    }
    assert report.files == EVERYWHERE | {"state/profile-emails-0", "state/profile-emails-0/*.log"}
    assert report.in_search == {"profile id", "uid"}


def test_an_email_and_a_string_are_found_where_they_stand(place: Place) -> None:
    email = verify(place.data, "--email", place.email.upper(), "--account", place.account.id)
    text = verify(place.data, "--contains", place.note)

    assert email.exit_code == text.exit_code == 1
    assert email.in_log.keys() == {"profile-events", "profile-emails", "profiles"}
    assert text.in_log.keys() == {"profile-events", "profiles"}
    assert email.files > EVERYWHERE
    assert email.in_search == {"email"}
    assert text.files == EVERYWHERE


def test_what_was_never_there_is_not_found(place: Place) -> None:
    asked = ("--uid", marked("uid"), "--email", marked_email(), "--contains", marked())

    report = verify(place.data, *asked)

    assert (report.exit_code, report.found, report.kept) == (0, [], set())
    assert report.document["looked_at"]["offsets"] > 0
    assert report.document["looked_at"]["rows"] > 0
    assert report.document["looked_at"]["files"] > 0


def test_the_table_names_places_and_shows_no_value(place: Place) -> None:
    asked = ("--uid", place.uid, "--email", place.email, "--contains", place.note)

    done = run("verify", "--data", str(place.data), *asked)

    assert done.returncode == 1
    assert "profile-events" in done.stdout
    assert "Not searched:" in done.stdout
    for value in (place.uid, place.email, place.note):
        assert value.lower() not in (done.stdout + done.stderr).lower()


def test_the_same_uid_of_another_account_is_nobodys_here(place: Place) -> None:
    made = run("accounts", "create", "Other", "--data", str(place.data), "--json")
    other = json.loads(made.stdout)["account"]["id"]

    report = verify(place.data, "--uid", place.uid, "--account", other)

    assert (report.exit_code, report.found) == (0, [])
    assert any("another account" in line for line in report.document["not_looked_at"])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((), "--uid, --email, --deletion or --contains"),
        (("--deletion", "no-id"), "24 hex digits"),
        (("--deletion", "0" * 24), "No such deletion"),
        (("--uid", "x", "--account", "0" * 24), "No such account"),
        (("--uid", "\x01"), "uid must hold no control character"),
    ],
)
def test_what_cannot_be_looked_for_ends_with_2(
    place: Place, asked: tuple[str, ...], told: str
) -> None:
    done = run("verify", "--data", str(place.data), *asked)

    assert done.returncode == 2
    assert done.stdout == ""
    assert told in " ".join(done.stderr.replace("│", " ").split())


def test_a_folder_without_a_log_ends_with_2_and_stays_as_it_is(tmp_path: Path) -> None:
    done = run("verify", "--data", str(tmp_path / "none"), "--uid", "x")

    assert done.returncode == 2
    assert "there is no log in" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_log_of_another_hash_key_ends_with_2(place: Place) -> None:
    key = {"PROFILELOG_HASH_KEY": "5e" * 32}

    done = run("verify", "--data", str(place.data), "--uid", "x", **key)

    assert done.returncode == 2
    assert "another hash key" in done.stderr


def verify_of(service: Service, *asked: str) -> Report:
    """A run beside a service whose Kafka is somebody else's."""
    settings = {
        name: text for name, text in service.environment.items() if name.startswith("PROFILELOG_")
    }
    done = run("verify", "--json", *asked, **settings)
    return Report(done.returncode, json.loads(done.stdout))


def test_somebody_elses_kafka_is_read_and_its_files_are_told_to_be_missing(
    service: Service, account: Account
) -> None:
    uid = marked("uid")
    account.known(uid=uid)

    report = published(lambda: verify_of(service, "--uid", uid, "--account", account.id))

    assert report.exit_code == 1
    assert report.in_log.keys() == {f"{service.prefix}profile-events", f"{service.prefix}profiles"}
    assert any("PROFILELOG_KAFKA" in line for line in report.document["not_looked_at"])


def test_a_record_of_a_transaction_that_was_aborted_is_found(service: Service) -> None:
    topic, note = f"{service.prefix}profiles", marked()
    asyncio.run(_abort(service.kafka, topic, note))

    report = verify_of(service, "--contains", note)

    assert report.exit_code == 1
    assert report.in_log.keys() == {topic}


async def _abort(kafka: KafkaAccess, topic: str, text: str) -> None:
    producer = AIOKafkaProducer(**kafka.client_options(), transactional_id=uuid.uuid4().hex)
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, text.encode(), key=b"0" * 24, partition=0)
        await producer.abort_transaction()
    finally:
        await producer.stop()


# ---------------------------------------------------------------------- after a forget


def test_a_forgotten_user_is_found_until_the_bytes_are_gone(tmp_path: Path) -> None:
    uid, email, note = marked("uid"), marked_email(), marked()
    data, asked = tmp_path / "data", ("--uid", uid, "--email", email, "--contains", note)
    # A day: nothing is compacted until it is told to be.
    patient = {"PROFILELOG_PURGE_WITHIN": "86400"}
    with up(tmp_path / "log", data, **patient) as running, _account(running) as account:
        account.known(uid=uid, email=email, note=note)
        published(lambda: verify(data, *asked))
        assert running.stop() == 0
    with up(tmp_path / "log", data, **patient) as running, _account(running) as account:
        deletion = account.forget(uid=uid).json()["deletion"]["id"]
        account.tombstoned(deletion)

        by_uid = verify(data, *asked)
        by_deletion = verify(data, "--deletion", deletion)

        assert by_uid.exit_code == by_deletion.exit_code == 1
        assert by_deletion.in_log == by_uid.in_log
        assert by_uid.in_log.keys() == {"profile-events", "profile-emails", "profiles"}
        # No read shows the user any more, but tables that the stop before the forget wrote still do.
        assert by_uid.files >= {"state/profile-events-0/*.sst", "state/profile-emails-0/*.sst"}
        assert by_uid.kept >= {"profile-forgotten", "deletion-tombstoned", "receipt", "tombstone"}

        hurry = ("purge", "--now", "--data", str(data))
        with Running(tmp_path / "purge", *hurry, PROFILELOG_URL=str(account.http.base_url)):
            account.purged(deletion, seconds=COMPACTION_SECONDS)
        beside = verify(data, "--deletion", deletion)
        assert running.stop() == 0

    for last in (beside, verify(data, *asked)):
        assert (last.exit_code, last.found) == (0, [])
        assert "profile-forgotten" in last.kept


@contextlib.contextmanager
def _account(running: Running) -> Generator[Account]:
    """The account that a service made."""
    said = running.said()
    account = Account(said["url"], "", said["secret"])
    with account.http:
        account.id = account.http.get("/").json()["account"]["id"]
        yield account
