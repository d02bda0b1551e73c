"""What the benchmark does with processes, and sees of sockets and files."""

import socket
from pathlib import Path

from benchmarks.processes import (
    Child,
    cpu_seconds,
    descendants,
    disk_mib,
    free_port,
    listeners,
    runs,
)

MIB = 1 << 20


def test_after_a_kill_nothing_runs_that_the_process_had_started(tmp_path: Path) -> None:
    command = ["sh", "-c", "sleep 60 & sleep 60 & wait"]
    child = Child(command, log=tmp_path / "log")
    child.wait_until(lambda: len(list(descendants(child.pid))) == 2, seconds=30)
    started = list(descendants(child.pid))

    child.kill()

    assert not any(map(runs, started))


def test_a_process_that_is_gone_has_taken_no_cpu(tmp_path: Path) -> None:
    child = Child(["true"], log=tmp_path / "log")

    child.stop()

    assert cpu_seconds(child.pid) == 0


def test_each_socket_that_listens_on_a_port_counts() -> None:
    port = free_port()
    first, second = socket.socket(), socket.socket()
    with first, second:
        for each in (first, second):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind(("127.0.0.1", port))
        assert listeners(port) == 0

        first.listen()
        assert listeners(port) == 1
        second.listen()
        assert listeners(port) == 2


def test_a_folder_takes_what_its_files_do_and_no_holes(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "full").write_bytes(b"x" * MIB)
    with (tmp_path / "hole").open("wb") as hole:
        hole.truncate(64 * MIB)

    assert 1 <= disk_mib(tmp_path) < 2
