"""`profilelog forget`, with a recorder in place of the service, and with the service."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.command_line import complaint, run
from tests.support.service import Account, Service, marked, marked_email


class Recorder(HTTPServer):
    """In place of a service: users named "gone…" are unknown to it, "odd…" are refused."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Recording)
        self.slices: list[int] = []
        self.busy = 0
        self.refuses_from = 1 << 30


class _Recording(BaseHTTPRequestHandler):
    server: Recorder  # pyright: ignore[reportIncompatibleVariableOverride] - always this one

    def do_GET(self) -> None:
        self._answer(404 if "gone" in self.path else 200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.busy:
            self.server.busy -= 1
            self._answer(503, {})
            return
        if len(self.server.slices) >= self.server.refuses_from:
            self._answer(500, {})
            return
        users = [next(iter(user.values())) for user in body["profiles"]]
        self.server.slices.append(len(users))
        codes = [404 if u.startswith("gone") else 422 if u.startswith("odd") else 0 for u in users]
        errors = [{"code": c, "index": n, "message": "no"} for n, c in enumerate(codes) if c]
        done = [{"id": f"d{n}", "profile": {"id": "p"}} for n, c in enumerate(codes) if not c]
        self._answer(202, {"deletions": done, "errors": errors})

    def _answer(self, status: int, content: object) -> None:
        if self.headers["X-Account-Secret"] != "ours":
            status = 403
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def forget(
    recorder: Recorder,
    file: Path | str,
    *more: str,
    shown: str = "ours",
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    url = f"http://127.0.0.1:{recorder.server_port}"
    environment = {"PROFILELOG_URL": url, "PROFILELOG_SECRET": shown}
    return run("forget", str(file), *more, stdin=stdin, **environment)


def csv_file(folder: Path, *lines: str) -> Path:
    file = folder / "users.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_forget_reports_by_line(recorder: Recorder, tmp_path: Path) -> None:
    lines = ["name,uid", "a,u1", '"two\nlines",gone2', "b,odd3", "", "c,,", "d,u4"]

    done = forget(recorder, csv_file(tmp_path, *lines), "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["users"], report["found"]) == (5, 2)
    assert report["not_found"] == [3]
    assert [(e["line"], e["code"]) for e in report["errors"]] == [(7, 422), (5, 422)]
    assert len(report["deletions"]) == 2


def test_a_report_names_nobody(recorder: Recorder, tmp_path: Path) -> None:
    file = csv_file(tmp_path, "email", "odd@acme.example", "gone@acme.example", "ada@acme.example")

    done = forget(recorder, file)

    assert "1 forgotten\n1 not found\n1 errors\n  line 2: 422" in done.stdout
    assert "acme" not in done.stdout + done.stderr


def test_forget_goes_on_in_slices_when_the_service_was_busy(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.busy = 1

    done = forget(recorder, csv_file(tmp_path, "uid", *(f"u{n}" for n in range(2500))))

    assert done.returncode == 0, done.stderr
    assert recorder.slices == [1000, 1000, 500]
    assert "2500 forgotten" in done.stdout


def test_a_dry_run_forgets_nobody(recorder: Recorder, tmp_path: Path) -> None:
    done = forget(recorder, csv_file(tmp_path, "uid", "u1", "gone2", "u3"), "--dry-run", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert (report["dry_run"], report["found"], report["not_found"]) == (True, 2, [3])
    assert recorder.slices == []


def test_a_file_that_cannot_be_read_whole_forgets_nobody(
    recorder: Recorder, tmp_path: Path
) -> None:
    told = complaint(forget(recorder, csv_file(tmp_path, "uid", "u1", '"open')))

    assert "users.csv is no proper CSV, from line 3 on" in told
    assert recorder.slices == []


def test_forget_with_a_bad_secret_is_refused(recorder: Recorder, tmp_path: Path) -> None:
    told = complaint(forget(recorder, csv_file(tmp_path, "uid", "u1"), shown="theirs"))

    assert "PROFILELOG_SECRET" in told
    assert "theirs" not in told


def test_who_is_not_found_is_told_by_line_and_by_an_exit_code_of_its_own(
    recorder: Recorder,
) -> None:
    lines = ["Name;UID", "x;u1", "x;gone", "x;gone", "x;u2", ";", "x;gone", "y;gone"]

    done = forget(recorder, "-", stdin="\r".join(lines))

    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines() == [
        "6 users in the file",
        "2 forgotten",
        "4 not found",
        "0 errors",
        "not found, by line: 3-4, 7-8",
    ]


def test_a_column_of_other_ids_is_told_before_anything_is_sent(recorder: Recorder) -> None:
    told = complaint(forget(recorder, "/dev/stdin", stdin="id,email\n,u0\n42,u1\n43,u2\n"))

    assert "the id in line 3" in told
    assert "--by email" in told
    assert recorder.slices == []


def test_what_is_done_is_reported_when_the_service_goes_away(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.refuses_from = 1

    done = forget(recorder, csv_file(tmp_path, "uid", *(f"u{n}" for n in range(1500))), "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["found"] == 1000
    assert "What stands before line 1002 is done" in done.stderr


def test_a_file_of_rounded_or_unagreeing_users_forgets_nobody(
    service: Service, account: Account, tmp_path: Path
) -> None:
    one, two = marked_email(), marked_email()
    account.known(uid=marked("uid"), email=one)
    uid = marked("uid")
    account.known(uid=uid, email=two)
    lines = ["uid,email", f"{uid},{one}", f"9.0072E+16,{one}", f"Doe, {uid},{two}", f"{uid}"]

    done = run(
        "forget",
        str(csv_file(tmp_path, *lines)),
        "--json",
        PROFILELOG_URL=service.url,
        PROFILELOG_SECRET=account.secret,
    )

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert {(each["line"], each["code"]) for each in report["errors"]} == {
        (2, 409),
        (3, 422),
        (4, 422),
        (5, 422),
    }
    assert account.has(email=one)
    assert account.has(email=two)
