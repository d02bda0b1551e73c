"""A clock that is wrong makes no events (contract §15)."""

import logging
import re
import time
from pathlib import Path

import pytest

from schemas.errors import Unavailable
from streams import clock

_NANOSECONDS = 1_000_000


@pytest.mark.parametrize("ms", [clock.FIRST, clock.LAST - 1])
def test_the_clock_says_the_time(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: ms * _NANOSECONDS)

    assert clock.now() == ms
    assert clock.warning() is None


@pytest.mark.parametrize("ms", [-631_152_000_000, clock.FIRST - 1, clock.LAST, 1 << 60])
def test_a_wrong_clock_is_refused_and_reported_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, ms: int
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: ms * _NANOSECONDS)
    monkeypatch.setattr(clock, "_reported", -clock._REPEAT_SECONDS)  # pyright: ignore[reportPrivateUsage]

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(Unavailable, match="nothing was written"):
                clock.now()

    assert [record.name for record in caplog.records] == ["streams.clock"]
    assert "writes are refused" in (clock.warning() or "")


def test_nothing_else_reads_the_wall_clock() -> None:
    """One place decides what time it is."""
    folder = Path(clock.__file__).parent
    reads = re.compile(r"\btime\.time(_ns)?\(|\bdatetime\.now\(")
    found = {path.name for path in folder.rglob("*.py") if reads.search(path.read_text())}

    assert found == {"clock.py"}
