"""What the benchmark sees of sockets and files."""

import socket
from pathlib import Path

from benchmarks.processes import disk_mib, free_port, listeners

MIB = 1 << 20


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
