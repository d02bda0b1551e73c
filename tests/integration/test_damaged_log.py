"""A log that is damaged, or cut off, is named by topic, partition and offset; what the state still has is kept."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.command_line import run
from tests.support.damage import cut, flip_length, flip_records, last
from tests.support.kafka import Broker, append
from tests.support.service import Service, marked, marked_email

USERS = 40


class Past(NamedTuple):
    """A data folder with a broker's, and the service that wrote both; nothing runs."""

    folder: Path
    service: Service


class Copy:
    """A copy of such folders, to be damaged."""

    def __init__(self, past: Past, folder: Path) -> None:
        shutil.copytree(past.folder, folder)
        self.prefix = past.service.prefix
        self._kafka = folder / "kafka"
        self._folder = folder
        self._past = past
        self.state = folder / "data" / "state"

    def segment(self, topic: str, partition: int = 0) -> Path:
        """The last file of a partition's records."""
        name = f"{self.prefix}{topic}-{partition}"
        return last(self._kafka / "broker" / "kafka" / name, "*.log")

    def let_kafka_recover(self) -> None:
        """As after a kill: Kafka cuts off what is not whole at the end."""
        (self._kafka / "broker" / "kafka" / ".kafka_cleanshutdown").unlink()

    def start(self) -> tuple[Broker, Service]:
        """A broker that runs, and a service that does not."""
        broker = Broker(self._kafka)
        service = Service(broker.access, self._folder, prefix=self.prefix)
        service.hash_key = self._past.service.hash_key
        return broker, service


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    broker = Broker(folder / "kafka")
    with Service(broker.access, folder) as service:
        account = service.start().create_account("A")
        for _ in range(USERS):
            # Long, so that Kafka's index of offsets has entries behind the middle, from which it knows the end.
            account.known(
                uid=marked("uid"), email=marked_email(), company_uid=marked(), note=marked() * 40
            )
        assert service.terminate() == 0
        broker.stop()
        yield Past(folder, service)


@pytest.fixture
def copy(past: Past, tmp_path: Path) -> Copy:
    return Copy(past, tmp_path / "copy")


def refusal(copy: Copy) -> str:
    """What a service says that must not start; its state is left as it was."""
    broker, service = copy.start()
    with service:
        state = {path: path.stat().st_size for path in (service.data / "state").rglob("*.sst")}
        service.launch()
        assert service.ended(seconds=50) == 1
        assert service.leaks() == []
        assert {path: path.stat().st_size for path in state} == state
    broker.stop()
    (said,) = [line for line in service.log.splitlines() if line.startswith("profilelog: ")]
    return said


def audited(copy: Copy) -> subprocess.CompletedProcess[str]:
    broker, service = copy.start()
    names = (name for name in service.environment if name.startswith("PROFILELOG_"))
    done = run("audit", **{name: service.environment[name] for name in names})
    broker.stop()
    return done


# ---------------------------------------------------------------------- cut off


def test_a_start_refuses_a_log_that_was_cut_off_and_keeps_the_state(copy: Copy) -> None:
    cut(copy.segment("profile-events"))

    said = refusal(copy)

    assert f"the log is damaged: {copy.prefix}profile-events-0 from offset " in said
    assert "its state has applied all up to offset " in said
    assert "Keep the folder `state`" in said
    assert "remove" not in said


def test_an_audit_lists_what_a_log_that_was_cut_off_lacks(copy: Copy) -> None:
    cut(copy.segment("profile-events"))

    done = audited(copy)

    assert done.returncode == 1, done.stderr
    assert "document of profile " in done.stdout
    assert f"{copy.prefix}profile-events-0: the log ends at offset " in done.stdout
    assert " rows of the state say" in done.stdout
    assert "Keep the folder `state`" in done.stdout
    assert "remove the folder" not in done.stdout


def test_an_audit_finds_what_was_lost_though_others_were_appended_since(copy: Copy) -> None:
    cut(copy.segment("profile-events"))
    copy.let_kafka_recover()
    broker, service = copy.start()
    for _ in range(USERS):
        append(service, f"{copy.prefix}profile-events", 0, marked().encode(), None)
    names = (name for name in service.environment if name.startswith("PROFILELOG_"))
    done = run("audit", "--json", **{name: service.environment[name] for name in names})
    broker.stop()

    assert done.returncode == 1, done.stderr
    first, *others = json.loads(done.stdout)["partitions"]
    assert first["log_lacks"]["rows"] == first["different"] > 0
    assert "ends_at" not in first["log_lacks"]
    assert not any("log_lacks" in each for each in others)


def test_events_whose_outputs_were_published_are_missed_when_the_state_is_gone(copy: Copy) -> None:
    cut(copy.segment("profile-events"))
    shutil.rmtree(copy.state)

    said = refusal(copy)

    assert f"{copy.prefix}profile-events-0 from offset " in said
    assert "was published" in said


# ---------------------------------------------------------------------- other bytes


@pytest.mark.parametrize("topic", ["accounts", "company-events"])
def test_a_start_names_the_damaged_record_of_what_every_node_folds(copy: Copy, topic: str) -> None:
    flip_records(copy.segment(topic))

    said = refusal(copy)

    assert f"the log is damaged: {copy.prefix}{topic}-0 from offset " in said
    assert "checksum" in said
    assert "another replica or a backup" in said


@pytest.mark.parametrize("topic", ["profile-events", "profile-emails"])
def test_a_fold_names_the_damaged_record(copy: Copy, topic: str) -> None:
    flip_records(copy.segment(topic))
    shutil.rmtree(copy.state)

    said = refusal(copy)

    assert f"the log is damaged: {copy.prefix}{topic}-0 from offset " in said
    assert "checksum" in said


@pytest.mark.parametrize("topic", ["company-events", "profile-events"])
def test_a_batch_behind_which_kafka_hands_out_nothing_is_named(copy: Copy, topic: str) -> None:
    flip_length(copy.segment(topic))
    shutil.rmtree(copy.state)

    said = refusal(copy)

    assert f"the log is damaged: {copy.prefix}{topic}-0 from offset " in said
    assert "Kafka hands out nothing from there on" in said


def test_a_start_names_the_damaged_record_that_says_whose_log_it_is(copy: Copy) -> None:
    flip_records(copy.segment("progress"))

    assert f"the log is damaged: {copy.prefix}progress-0 from offset 0 on" in refusal(copy)


def test_a_folder_is_not_removed_when_its_log_is_damaged_as_well(copy: Copy) -> None:
    cut(copy.segment("profile-events"))
    (copy.state / f"{copy.prefix}profile-events-0" / "CURRENT").write_bytes(b"")

    said = refusal(copy)

    assert f"the log is damaged: {copy.prefix}profile-events-0 from offset " in said


@pytest.mark.parametrize("topic", ["profile-events", "profile-emails", "accounts", "progress"])
def test_an_audit_names_the_damaged_record(copy: Copy, topic: str) -> None:
    flip_records(copy.segment(topic))

    done = audited(copy)

    assert done.returncode == 2
    assert f"the log is damaged: {copy.prefix}{topic}-0 from offset " in done.stderr
    assert "check that it runs" not in done.stderr
