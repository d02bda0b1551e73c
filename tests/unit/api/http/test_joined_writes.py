"""The transport that joins the writes of one turn of the loop (`api.http.joined_writes`)."""

import asyncio
from collections.abc import Callable

import pytest

from api.http.joined_writes import JoinedWrites


class Recorder(asyncio.Transport):
    """Takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


def written_by(work: Callable[[JoinedWrites], None]) -> list[bytes]:
    async def turn() -> list[bytes]:
        transport = Recorder()
        work(JoinedWrites(transport, asyncio.get_running_loop(), lambda: None))
        await asyncio.sleep(0)
        return transport.written

    return asyncio.run(turn())


def test_what_is_written_in_one_turn_leaves_in_one_write_whichever_way_it_is_written() -> None:
    def work(joined: JoinedWrites) -> None:
        joined.write(b"head ")
        joined.writelines([b"body", b" of "])
        joined.write(b"two")

    assert written_by(work) == [b"head body of two"]


def test_what_waits_is_counted_and_leaves_before_the_end() -> None:
    def work(joined: JoinedWrites) -> None:
        joined.write(b"answer")
        assert joined.get_write_buffer_size() == 6
        joined.close()
        assert joined.get_write_buffer_size() == 0

    assert written_by(work) == [b"answer"]


def test_nothing_can_overtake_what_waits() -> None:
    def work(joined: JoinedWrites) -> None:
        joined.write(b"answer")
        with pytest.raises(NotImplementedError):
            joined.write_eof()

    assert written_by(work) == [b"answer"]
