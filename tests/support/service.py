"""The real service as a process of its own, and accounts that call it.

Whatever must never be in the service's log is made by `marked` and `marked_number`, so that
`Service.leaks` can look for it.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import httpx

from streams.log.kafka_access import KafkaAccess

REPOSITORY: Final = Path(__file__).parents[2]
PARTITIONS: Final = 3
PURGE_WITHIN: Final = 30
MAX_STREAMS: Final = 20
UPSERT: Final = "/v3/observe/hooks/profiles"
EVENT: Final = "/v3/observe/hooks/events"
EVENT_BATCH: Final = "/v3/observe/hooks/events/batch"
BATCH: Final = "/v3/observe/hooks/profiles/batch"
PROFILE: Final = "/v3/analyze/profile"
FORGET: Final = "/v3/edit/profiles/forget"

_MARK: Final = "Zq7xKwv"
_MARK_NUMBER: Final = 90_807_060_504
_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_counter: Final = count(1)
_T = TypeVar("_T")


def marked(what: str = "value") -> str:
    """A text that was never used before and must not be in any log: a uid, a value, a secret."""
    return f"{what}-{_MARK}-{next(_counter)}"


def marked_email(name: str = "ada") -> str:
    """An email address that was never used before and must not be in any log."""
    return f"{marked(name)}@example.com"


def marked_number() -> int:
    """A number that was never used before and must not be in any log."""
    return _MARK_NUMBER * 1000 + next(_counter)


def eventually(look: Callable[[], _T | None], *, seconds: float = 30.0) -> _T:
    """What `look` returns once it is something; AssertionError when the time is up first."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"still nothing after {seconds:.0f} s"
        time.sleep(_POLL_SECONDS)
    return found


class Account:
    """An account: its secret, and what its products ask with it."""

    def __init__(self, url: str, id_: str, secret: str) -> None:
        self.id = id_
        self.secret = secret
        self.http = httpx.Client(
            base_url=url, headers={"X-Account-Secret": secret}, timeout=httpx.Timeout(60)
        )

    def upsert(self, **parameters: object) -> httpx.Response:
        return self.http.post(UPSERT, json=parameters)

    def upsert_raw(self, body: bytes) -> httpx.Response:
        """For bodies that no JSON encoder writes."""
        return self.http.post(UPSERT, content=body, headers=JSON_TYPE)

    def known(self, **parameters: object) -> str:
        """Create or update a profile; returns its id."""
        answer = self.upsert(**parameters)
        assert answer.is_success, answer.text
        return answer.json()["profile"]["id"]

    def batch(self, profiles: object, **more: object) -> httpx.Response:
        return self.http.post(BATCH, json={"profiles": profiles, **more})

    def batch_raw(self, body: bytes) -> httpx.Response:
        return self.http.post(BATCH, content=body, headers=JSON_TYPE)

    def applied(self, batch: httpx.Response, *, seconds: float = 60.0) -> dict[str, Any]:
        """The status of a batch once every read shows all of it."""
        assert batch.status_code == 202, batch.text
        path = f"/v3/observe/hooks/batches/{batch.json()['batch']['id']}"

        def status() -> dict[str, Any] | None:
            answer = self.http.get(path)
            assert answer.status_code == 200, answer.text
            return answer.json()["batch"] if answer.json()["batch"]["applied"] else None

        return eventually(status, seconds=seconds)

    def track(self, **parameters: object) -> httpx.Response:
        return self.http.post(EVENT, json=parameters)

    def tracked(self, **identifiers: str | int) -> dict[str, Any]:
        """The tracked events of a profile, by name."""
        return self.profile(**{"expand[events]": "all", **identifiers})["events"]

    def keyed(self, key: str, path: str, body: object) -> httpx.Response:
        """A request with an Idempotency-Key."""
        return self.http.post(path, json=body, headers={"Idempotency-Key": key})

    def read(self, **identifiers: str | int) -> httpx.Response:
        return self.http.get(PROFILE, params=identifiers)

    def profile(self, **identifiers: str | int) -> dict[str, Any]:
        answer = self.read(**identifiers)
        assert answer.status_code == 200, answer.text
        return answer.json()["profile"]

    def has(self, **identifiers: str | int) -> bool:
        """Whether a read shows the profile; any answer but 200 and 404 is a failure."""
        answer = self.read(**identifiers)
        assert answer.status_code in {200, 404}, answer.text
        return answer.status_code == 200

    def clear(self, **identifiers: str | int) -> httpx.Response:
        return self.http.delete("/v3/edit/profiles", params=identifiers)

    def forget(self, **identifiers: str | int) -> httpx.Response:
        return self.http.delete(FORGET, params=identifiers)

    def receipt(self, deletion: str) -> dict[str, Any]:
        answer = self.http.get(f"/v3/edit/deletions/{deletion}")
        assert answer.status_code == 200, answer.text
        return answer.json()["deletion"]

    def receipts(self) -> list[dict[str, Any]]:
        """The receipts of all deletions, of which there are few."""
        answer = self.http.get("/v3/edit/deletions", params={"limit": 500})
        assert "before" not in answer.json()["cursor"], "more than one page"
        return answer.json()["deletions"]

    def tombstoned(self, deletion: str) -> dict[str, Any]:
        """The receipt once the tombstones are in the log."""

        def look() -> dict[str, Any] | None:
            receipt = self.receipt(deletion)
            return receipt if receipt["status"] != "accepted" else None

        return eventually(look)

    def purged(self, deletion: str, *, seconds: float = 90.0) -> dict[str, Any]:
        """The receipt once nothing is left of what the deletion erased."""

        def look() -> dict[str, Any] | None:
            receipt = self.receipt(deletion)
            return receipt if receipt["status"] == "purged" else None

        return eventually(look, seconds=seconds)


JSON_TYPE: Final[Mapping[str, str]] = {"Content-Type": "application/json"}


class Service:
    """`profilelog serve` on a free port, against a log that is its own by its topic prefix.

    It may be killed and started again as often as a test likes; the log text goes on. `settings` go into its
    environment beside what is set for all tests.
    """

    def __init__(self, kafka: KafkaAccess, folder: Path, *, prefix: str | None = None) -> None:
        self.kafka = kafka
        self.prefix = prefix or f"test-{uuid.uuid4().hex[:12]}-"
        self.data = folder / "data"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.http = httpx.Client(base_url=self.url, timeout=httpx.Timeout(60))
        self._accounts: list[Account] = []
        self.hash_key = secrets.token_hex(32)
        self.settings: dict[str, str] = {}
        self._log = folder / "service.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.http.close()
        for account in self._accounts:
            account.http.close()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that the service and its command line run with."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PROFILELOG_")}
        return inherited | {
            "PROFILELOG_KAFKA": self.kafka.bootstrap,
            "PROFILELOG_KAFKA_SECURITY_PROTOCOL": self.kafka.protocol,
            "PROFILELOG_KAFKA_SASL_MECHANISM": self.kafka.mechanism,
            "PROFILELOG_KAFKA_USERNAME": self.kafka.username or "",
            "PROFILELOG_KAFKA_PASSWORD": self.kafka.password or "",
            "PROFILELOG_KAFKA_CA_FILE": str(self.kafka.ca_file or ""),
            "PROFILELOG_KAFKA_CERT_FILE": str(self.kafka.cert_file or ""),
            "PROFILELOG_KAFKA_KEY_FILE": str(self.kafka.key_file or ""),
            "PROFILELOG_TOPIC_PREFIX": self.prefix,
            "PROFILELOG_PARTITIONS": str(PARTITIONS),
            "PROFILELOG_REPLICATION": "1",
            "PROFILELOG_PORT": self.url.rpartition(":")[2],
            "PROFILELOG_DATA": str(self.data),
            "PROFILELOG_HASH_KEY": self.hash_key,
            "PROFILELOG_PURGE_WITHIN": str(PURGE_WITHIN),
            "PROFILELOG_MAX_STREAMS": str(MAX_STREAMS),
            "PYTHONUNBUFFERED": "1",
            **self.settings,
        }

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start it first"
        return self._process

    @property
    def log(self) -> str:
        """All that the service has printed since its first start."""
        return self._log.read_text(errors="replace")

    def start(self) -> Self:
        """Start it and wait until it is ready."""
        self.launch()
        self.wait_ready()
        return self

    def launch(self) -> None:
        """Start it and wait for nothing."""
        assert self._process is None or self._process.poll() is not None, "it still runs"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                _command("serve"),
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return once /ready says so; AssertionError when the process ends or takes too long."""

        def ready() -> bool:
            assert self.process.poll() is None, f"it ended: {self.log[-3000:]}"
            try:
                return self.http.get("/ready").status_code == 200
            except httpx.TransportError:
                return False

        eventually(ready, seconds=_READY_SECONDS)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> int:
        """SIGTERM; the exit code, which must come within 10 s."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_SECONDS)

    def ended(self, *, seconds: float = 20.0) -> int:
        """The exit code of a process that ends by itself; AssertionError when it does not."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"it still ran after {seconds:.0f} s: {self.log[-3000:]}"
            ) from None

    def lose_state(self) -> None:
        """Remove what the service keeps on this machine."""
        shutil.rmtree(self.data)

    def resident(self) -> int:
        """Bytes of the process that are in memory now."""
        return self._memory("VmRSS")

    def forget_peak(self) -> None:
        """Let `peak` begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """The most bytes of the process that were in memory."""
        return self._memory("VmHWM")

    def _memory(self, field: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    def create_account(self, name: str) -> Account:
        """A new account; returns when the service, if it runs, takes its secret."""
        made = self.run("accounts", "create", name)
        account = self.account(made["account"]["id"], made["secret"]["text"])
        if self._process is not None and self._process.poll() is None:
            eventually(lambda: account.http.get("/").status_code == 200)
        return account

    def account(self, id_: str, secret: str) -> Account:
        """An account that was made, with one of its secrets."""
        self._accounts.append(Account(self.url, id_, secret))
        return self._accounts[-1]

    def run(self, *arguments: str) -> Any:
        """What a command of `profilelog` prints with --json."""
        done = subprocess.run(
            [*_command(*arguments), "--json"],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def leaks(self) -> list[str]:
        """The log lines that hold a secret, a uid, an email or a value."""
        never = [_MARK, str(_MARK_NUMBER), *(account.secret for account in self._accounts)]
        never += [self.kafka.password] if self.kafka.password else []
        pattern = re.compile("|".join(map(re.escape, never)), re.IGNORECASE)
        return [line for line in self.log.splitlines() if pattern.search(line)]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "api.command_line.main", *arguments]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
