"""The command line as a user runs it: processes, their output, their exit codes and their end."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from api.command_line.logs import OneLine
from api.command_line.process import Interrupted, run_to_end
from streams.data_folder import ENTRIES
from streams.log.kafka_access import read_properties
from tests.support.command_line import Running, complaint, result, run, up
from tests.support.service import eventually

SECRETS = {"PROFILELOG_HASH_KEY": "5e" * 32, "PROFILELOG_SECRET": "whispered"}


def account_of(url: str, secret: str) -> str | None:
    """The account that a service takes a secret for."""
    answer = httpx.get(url, headers={"X-Account-Secret": secret})
    assert answer.status_code in {200, 403}, answer.text
    return answer.json()["account"]["id"] if answer.status_code == 200 else None


# ---------------------------------------------------------------------- beside a running service


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is there already, open to all."""
    data = tmp_path_factory.mktemp("command-line") / "data"
    data.mkdir()
    data.chmod(0o755)
    return data


class Service(NamedTuple):
    """A service that was started, stopped and started again with another secret."""

    url: str
    account: str | None
    first_secret: str
    log: Path
    pid: int


@pytest.fixture(scope="module")
def service(data: Path) -> Iterator[Service]:
    log = data.parent / "up.log"
    with up(log, data) as first:
        said = first.said()
        account = account_of(said["url"], said["secret"])
        assert first.stop(signal.SIGINT) == 0
    given = data.parent / "given"
    given.write_text("second-one\n")
    with up(log, data, "--account-secret-file", str(given)) as second:
        url = second.said()["url"]
        yield Service(url, account, said["secret"], log, second.process.pid)
        assert second.stop() == 0


@pytest.fixture(scope="module")
def url(service: Service) -> str:
    return service.url


def test_a_second_start_carries_on_where_the_first_stopped(service: Service) -> None:
    assert service.account is not None
    assert account_of(service.url, service.first_secret) == service.account


def test_a_given_secret_is_added_to_the_development_account(service: Service, data: Path) -> None:
    accounts = result("accounts", "list", "--data", str(data))["accounts"]

    assert account_of(service.url, "second-one") == service.account
    assert accounts[0]["name"] == "development"
    assert accounts[0]["id"] == service.account
    assert [secret.keys() for secret in accounts[0]["secrets"]] == [{"id", "created_at"}] * 2


def test_the_secret_that_was_made_is_kept_for_its_owner_only(service: Service, data: Path) -> None:
    kept = data / "account.secret"

    assert kept.read_text().strip() == service.first_secret
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_started_service_is_alive_and_ready(url: str) -> None:
    assert httpx.get(f"{url}/health").status_code == 200
    assert httpx.get(f"{url}/ready").status_code == 200


def test_a_running_service_takes_the_secret_of_a_new_account(url: str, data: Path) -> None:
    made = result("accounts", "create", "Acme", "--data", str(data))

    eventually(lambda: account_of(url, made["secret"]["text"]) == made["account"]["id"])


def test_a_secret_is_rotated_while_the_service_runs(url: str, data: Path) -> None:
    folder = ("--data", str(data))
    made = result("accounts", "create", "Rotating", *folder)
    id_, old = made["account"]["id"], made["secret"]

    new = result("secrets", "add", id_, *folder)["secret"]
    eventually(lambda: account_of(url, new["text"]) == id_)
    revoked = result("secrets", "revoke", id_, old["id"], *folder)
    eventually(lambda: account_of(url, old["text"]) is None)

    assert revoked == {"account": {"id": id_}, "revoked": {"id": old["id"]}}
    assert account_of(url, new["text"]) == id_


def test_an_unknown_account_is_told(url: str, data: Path) -> None:  # noqa: ARG001 - it runs
    told = complaint(run("secrets", "add", "0" * 24, "--data", str(data), "--json"))

    assert told == "profilelog: No such account"


def test_another_hash_key_is_refused(url: str, data: Path) -> None:  # noqa: ARG001 - it runs
    wrong = {"PROFILELOG_HASH_KEY": "5e" * 32}

    told = complaint(run("accounts", "list", "--data", str(data), **wrong))

    assert "was written with another hash key" in told
    assert "PROFILELOG_HASH_KEY" in told


def test_a_data_folder_in_use_is_refused(url: str, data: Path) -> None:  # noqa: ARG001 - it runs
    told = complaint(run("up", "--data", str(data), "--port", "0"))

    assert f"{data} is in use by another profilelog" in told
    assert "--data" in told


def test_a_port_in_use_is_refused_before_anything_is_started(url: str, tmp_path: Path) -> None:
    port = url.rpartition(":")[2]

    told = complaint(run("up", "--data", str(tmp_path / "other"), "--port", port))

    assert f"port {port} of 127.0.0.1 is in use" in told
    assert not (tmp_path / "other").exists()


def test_no_secret_is_logged(service: Service) -> None:
    account_of(f"{service.url}/?account_secret=whispered", "whispered")

    logged = service.log.read_text()
    assert not any(secret in logged for secret in (service.first_secret, "second-one", "whispered"))
    assert "in the clear" not in logged  # which aiokafka says at each connection


def test_no_secret_is_in_the_list_of_processes(service: Service, data: Path) -> None:
    password = read_properties(data / "kafka.properties").password
    assert password is not None

    shown = b"".join(path.read_bytes() for path in command_lines(service.pid))

    assert b"kafka.Kafka" in shown
    assert not any(
        each.encode() in shown for each in (service.first_secret, "second-one", password)
    )


def test_nothing_in_the_data_folder_can_be_read_by_others(service: Service, data: Path) -> None:
    one = {"X-Account-Secret": service.first_secret}
    answer = httpx.post(f"{service.url}/v3/observe/hooks/profiles", json={"uid": 1}, headers=one)
    assert answer.is_success, answer.text

    there = [Path(at, name) for at, *names in os.walk(data) for name in [*names[0], *names[1]]]

    assert {path.name for path in data.iterdir()} <= ENTRIES
    assert {"CURRENT", "server.properties", "kafka.properties"} <= {path.name for path in there}
    assert [path for path in [data, *there] if is_open(path)] == []


def test_commands_take_the_secret_and_the_uid_from_stdin(service: Service, data: Path) -> None:
    users = data.parent / "users.csv"
    users.write_text("uid,plan\n4711,gold\n")
    taken = run(
        "import", str(users), "--url", service.url, "--secret-file", "-", stdin="second-one\n"
    )
    assert taken.returncode == 0, taken.stderr

    exported = run("export", "events", "--uid", "-", "--data", str(data), stdin="4711\n")

    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["event"]["uid"] == "4711"


def is_open(path: Path) -> bool:
    """Whether others may do anything with it; what the service has removed meanwhile is not."""
    try:
        return path.lstat().st_mode & 0o077 != 0
    except FileNotFoundError:
        return False


def command_lines(parent: int) -> list[Path]:
    """Those of a process and of its children."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [Path(f"/proc/{pid}/cmdline") for pid in (parent, *children)]


# ---------------------------------------------------------------------- starts and stops


def test_a_stop_during_the_start_leaves_no_broker_behind(tmp_path: Path) -> None:
    with up(tmp_path / "log", tmp_path / "data") as starting:
        eventually(lambda: starting.logged("starting Apache Kafka"))

        assert starting.stop() == 0

    assert not (tmp_path / "data" / "broker" / "broker.json").exists()


def test_a_broker_runs_alone_and_commands_and_services_find_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Running(tmp_path / "log", "broker", "--data", str(folder), "--json") as broker:
        properties = broker.said()["kafka_properties"]
        made = result("accounts", "create", "Acme", "--data", str(folder))
        elsewhere = {
            "PROFILELOG_KAFKA_PROPERTIES": properties,
            "PROFILELOG_DATA": str(tmp_path / "other"),
            "PROFILELOG_HASH_KEY": (folder / "hash.key").read_text().strip(),
            "PROFILELOG_PARTITIONS": "1",
        }
        seen = result("accounts", "list", **elsewhere)["accounts"]
        assert broker.stop() == 0

    assert made["account"]["name"] == "Acme"
    assert [account["id"] for account in seen] == [made["account"]["id"]]


def test_a_signal_interrupts_a_command_that_is_not_done() -> None:
    undone: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            undone.append("all of it")

    with pytest.raises(Interrupted):
        run_to_end(work)

    assert undone == ["all of it"]


# ---------------------------------------------------------------------- settings


def test_the_settings_are_listed_with_unit_default_and_meaning() -> None:
    listed = result("settings", PROFILELOG_PORT="81", **SECRETS)["settings"]
    rows = {row["name"]: row for row in listed}

    assert rows["PROFILELOG_PORT"] == {
        "name": "PROFILELOG_PORT",
        "value": 81,
        "unit": "port",
        "default": 8080,
        "meaning": "the port that it listens on; 0: a free one",
    }
    assert all(row["unit"] and row["meaning"] for row in rows.values())
    assert not any(secret in str(rows) for secret in SECRETS.values())


def test_the_table_of_settings_hides_secrets() -> None:
    listed = run("settings", **SECRETS).stdout

    assert all(name in listed for name in SECRETS)
    assert not any(secret in listed for secret in SECRETS.values())


def test_a_service_without_a_kafka_is_told_where_to_find_one(tmp_path: Path) -> None:
    told = complaint(run("serve", "--data", str(tmp_path), "--port", "0"))

    assert "PROFILELOG_KAFKA" in told
    assert "profilelog up" in told


def test_a_service_without_a_hash_key_is_told_how_to_make_one(tmp_path: Path) -> None:
    kafka = {"PROFILELOG_KAFKA": "127.0.0.1:1"}

    told = complaint(run("serve", "--data", str(tmp_path), "--port", "0", **kafka))

    assert "PROFILELOG_HASH_KEY" in told
    assert "openssl rand -hex 32" in told


def test_a_kafka_that_does_not_answer_is_told(tmp_path: Path) -> None:
    environment = {"PROFILELOG_KAFKA": "127.0.0.1:1", "PROFILELOG_HASH_KEY": "5e" * 32}

    refused = run("serve", "--data", str(tmp_path), "--port", "0", **environment)

    assert refused.returncode == 1
    assert "profilelog: Kafka at 127.0.0.1:1 cannot be used" in refused.stderr


# ---------------------------------------------------------------------- what is logged


class Confidential:
    """Stands for a record or a message of a library, whose repr shows all of it."""

    def __repr__(self) -> str:
        return "ada@acme.example"


def logged(message: str, *arguments: object, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("mode", logging.ERROR, "", 0, message, arguments, info)
    return OneLine().format(record)


def test_a_logged_error_tells_its_kind_and_place_and_not_its_text() -> None:
    with pytest.raises(KeyError) as caught:
        {}["ada@acme.example"]

    line = logged("Crashed reason=%r", caught.value, error=caught.value)
    assert "Crashed reason=KeyError [KeyError at " in line
    assert "test_command_line.py:" in line
    assert "acme" not in line
    assert "\n" not in line


def test_a_logged_error_of_the_system_tells_its_text() -> None:
    assert logged("no: %s", ConnectionRefusedError(111, "refused")).endswith(
        "no: ConnectionRefusedError: [Errno 111] refused"
    )


@pytest.mark.parametrize("value", [Confidential(), [Confidential()], b"ada@acme.example"])
def test_a_logged_object_tells_its_kind_only(value: object) -> None:
    assert "acme" not in logged("dropped %r", value)


def test_what_says_nothing_of_users_is_logged_as_it_is() -> None:
    assert logged("%s-%d at %r", "topic", 3, 1.5).endswith("ERROR mode: topic-3 at 1.5")
