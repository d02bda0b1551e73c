"""`profilelog import` against the real service, which may be killed meanwhile."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Running, complaint, run
from tests.support.service import Account, Service, eventually, marked, marked_email


def imported(
    service: Service,
    account: Account,
    file: Path | str,
    *more: str,
    stdin: str | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    settings = _settings(service, account)
    return run("import", str(file), "--json", *more, stdin=stdin, **settings, **environment)


def _settings(service: Service, account: Account) -> dict[str, str]:
    return {"PROFILELOG_URL": service.url, "PROFILELOG_SECRET": account.secret}


def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode in {0, 1}, done.stderr
    return json.loads(done.stdout)


def rejected(file: Path) -> list[dict[str, Any]]:
    text = file.with_suffix(".rejected.ndjson").read_text()
    return [json.loads(line) for line in text.splitlines()]


def ndjson(path: Path, *users: object) -> Path:
    path.write_text("".join(f"{json.dumps(user)}\n" for user in users))
    return path


def test_a_csv_file_becomes_profiles(service: Service, account: Account, tmp_path: Path) -> None:
    uid, email, note = marked("uid"), marked_email(), marked()
    file = tmp_path / "users.csv"
    file.write_text(f'uid,email,User Role,seats\n{uid},{email},"{note}",12\n{uid}x,,,\n')

    done = imported(service, account, file)

    assert (done.returncode, said(done)["taken"], said(done)["rejected"]) == (0, 2, 0)
    profile = account.profile(uid=uid)
    assert (profile["email"], profile["user_role"], profile["seats"]) == (email, note, 12)
    assert "user_role" not in account.profile(uid=f"{uid}x")
    assert not file.with_suffix(".rejected.ndjson").exists()


def test_a_pipe_is_read(service: Service, account: Account, tmp_path: Path) -> None:
    uid, beside = marked("uid"), tmp_path / "rejected"
    lines = [f'{{"uid":"{uid}"}}', "", "{}", f'{{"uid":"{uid}b"}}']

    done = imported(
        service, account, "/dev/stdin", "--rejected", str(beside), stdin="\ufeff" + "\r".join(lines)
    )

    report = said(done)
    assert (done.returncode, report["lines"], report["taken"]) == (1, 3, 2)
    assert [json.loads(line)["line"] for line in beside.read_text().splitlines()] == [3]
    assert account.has(uid=f"{uid}b")


def test_a_spreadsheets_file_loses_nobody(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid, email, other = marked("uid"), marked_email(), marked("uid")
    rows = [" UID ;Email;Seats;", f"{uid};{email}", f"{other};;12;", ";;;", "9,0072E+16;;3;"]
    file = tmp_path / "users.csv"
    file.write_text("\r".join(rows), encoding="utf-16")

    done = imported(service, account, file)

    report = said(done)
    assert (done.returncode, report["lines"], report["taken"]) == (1, 3, 2)
    (line,) = rejected(file)
    assert (line["line"], line["text"]) == (5, "9,0072E+16;;3;")
    assert "without its last digits" in line["reason"]
    assert account.profile(uid=uid)["email"] == email
    assert account.profile(uid=other)["seats"] == 12


def test_a_byte_that_is_no_utf_8_is_told_by_its_line_and_nothing_is_sent(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid, file = marked("uid"), tmp_path / "users.csv"
    lines = ["uid,name", *(f'{uid}{n},"Ada\rKing"' for n in range(132)), "x,Jörg"]
    file.write_bytes("\r\n".join(lines).encode("latin-1"))

    told = complaint(imported(service, account, file))

    assert "users.csv is no UTF-8" in told
    assert "from line 266 on" in told
    assert not account.has(uid=f"{uid}0")


def test_lines_that_are_not_taken_are_written_beside_the_file_with_the_reason(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid, note = marked("uid"), marked()
    file = ndjson(
        tmp_path / "users.ndjson",
        {"uid": uid, "note": note},
        {"note": note},
        [uid],
        {"email": marked_email()},
        {"uid": f"{uid}b", "browser_k": "toaster"},
    )

    done = imported(service, account, file)

    report = said(done)
    assert (done.returncode, report["lines"], report["taken"], report["rejected"]) == (1, 5, 1, 4)
    told = {each["line"]: (each["code"], each["reason"]) for each in rejected(file)}
    assert told.keys() == {2, 3, 4, 5}
    assert told[2][0] == told[3][0] == told[5][0] == 422
    assert told[4] == (404, "No such profile for the line")
    assert "browser_k" in told[5][1]
    assert {each["text"] for each in rejected(file)} == set(file.read_text().splitlines()[1:])
    assert file.with_suffix(".rejected.ndjson").stat().st_mode & 0o777 == 0o600
    assert note not in done.stderr


def test_a_line_that_is_nested_too_deeply_spoils_none_beside_it(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid, file = marked("uid"), tmp_path / "users.ndjson"
    # From some depth on no batch that has the line can be decoded; alone it can, for a few levels more.
    deep = [f'{{"uid":"{uid}{n}","v":{"[" * n}{"]" * n}}}' for n in range(950, 990)]
    file.write_text("\n".join([*deep, f'{{"uid":"{uid}"}}']))

    report = said(imported(service, account, file))

    assert (report["taken"], report["rejected"]) == (1, len(deep))
    assert account.has(uid=uid)


def test_a_dry_run_sends_nothing_and_finds_what_a_line_alone_tells(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid = marked("uid")
    file = ndjson(
        tmp_path / "users.ndjson",
        {"uid": uid},
        {"plan": "free"},
        {"uid": True},
        {"uid": "x", "a": "\0"},
    )

    done = imported(service, account, file, "--dry-run")

    report = said(done)
    assert (done.returncode, report["taken"], report["rejected"]) == (1, 1, 3)
    assert [each["line"] for each in rejected(file)] == [2, 3, 4]
    assert report["batches"] == []
    assert not account.has(uid=uid)


def test_who_does_not_exist_is_left_out_when_asked(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid, known = marked("uid"), marked("uid")
    account.known(uid=known)
    file = ndjson(tmp_path / "users.ndjson", {"uid": uid}, {"uid": known, "plan": "gold"})

    report = said(imported(service, account, file, "--on-model-missing", "ignore"))

    assert (report["taken"], report["skipped"], report["rejected"]) == (1, 1, 0)
    assert not account.has(uid=uid)
    assert account.profile(uid=known)["plan"] == "gold"


def test_the_same_file_again_has_no_second_effect_unless_asked(
    service: Service, account: Account, tmp_path: Path
) -> None:
    uid = marked("uid")
    file = ndjson(tmp_path / "users.ndjson", {"uid": uid, "plan": "free"})
    first = said(imported(service, account, file))
    account.known(uid=uid, plan="gold")
    # Their times are compared by the second.
    eventually(lambda: said(imported(service, account, file))["repeated"] == 1)

    assert account.profile(uid=uid)["plan"] == "gold"
    again = said(imported(service, account, file, "--again"))

    assert again["batches"] != first["batches"]
    assert (again["taken"], again["repeated"]) == (1, 0)
    assert account.profile(uid=uid)["plan"] == "free"


def test_a_service_that_is_killed_meanwhile_takes_every_line(
    own_service: Service, tmp_path: Path
) -> None:
    account = own_service.create_account("Importing")
    name, users = marked("uid"), 3000
    file = ndjson(
        tmp_path / "users.ndjson",
        *({"uid": f"{name}-{n}", "n": n, "filling": "x" * 200} for n in range(users)),
    )
    # Portions of some 200 lines.
    settings = {**_settings(own_service, account), "PROFILELOG_BATCH_LIMIT": "50000"}

    with Running(tmp_path / "log", "import", str(file), "--json", **settings) as running:
        eventually(lambda: account.has(uid=f"{name}-0"))
        own_service.kill()
        own_service.start()
        report = running.said()
        assert running.process.wait(60) == 0

    assert (report["lines"], report["taken"], report["rejected"]) == (users, users, 0)
    assert account.profile(uid=f"{name}-{users - 1}")["n"] == users - 1
    assert own_service.run("audit")["same"]


def test_an_import_that_was_interrupted_is_started_over(
    service: Service, account: Account, tmp_path: Path
) -> None:
    name, users = marked("uid"), 3000
    file = ndjson(tmp_path / "users.ndjson", *({"uid": f"{name}-{n}"} for n in range(users)))
    settings = {**_settings(service, account), "PROFILELOG_BATCH_LIMIT": "2000"}

    with Running(tmp_path / "log", "import", str(file), "--json", **settings) as running:
        eventually(lambda: account.has(uid=f"{name}-0"))
        assert running.stop(signal.SIGINT) == 130
        assert running.logged("Start over with the same file")
    assert not account.has(uid=f"{name}-{users - 1}")
    report = said(imported(service, account, file, PROFILELOG_BATCH_LIMIT="2000"))

    assert (report["lines"], report["taken"], report["rejected"]) == (users, users, 0)
    assert account.has(uid=f"{name}-{users - 1}")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PROFILELOG_SECRET": "wrong"}, "does not know the secret"),
        ({"PROFILELOG_SECRET": "wröng"}, "does not know the secret"),
        ({"PROFILELOG_URL": "http://127.0.0.1:9"}, "no answer from"),
    ],
)
def test_what_stands_in_the_way_is_told_before_anything_is_sent(
    service: Service, account: Account, tmp_path: Path, given: dict[str, str], told: str
) -> None:
    file = ndjson(tmp_path / "users.ndjson", {"uid": marked("uid")})

    done = run("import", str(file), **{**_settings(service, account), **given})

    assert told in complaint(done)
