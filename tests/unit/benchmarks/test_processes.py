"""What the benchmark sees of sockets."""

import socket

from benchmarks.processes import free_port, listeners


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
