"""What is read of the output of wrk, which is a program's text for people."""

import pytest

from benchmarks.errors import MeasureError
from benchmarks.load import LoadResult, parse_wrk

# As wrk 4.1.0 prints it: a unit of one letter is followed by a space.
SLOW = """\
Running 4s test @ http://127.0.0.1:18999/
  1 threads and 2 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.50s   465.32us   1.62s    75.00%
    Req/Sec     1.00      0.00     1.00    100.00%
  Latency Distribution
     50%  850.00us
     75%    2.01ms
     90%    1.21s\x20
     99%    1.50s\x20
  4 requests in 4.01s, 152.00B read
Requests/sec:      1.25
Transfer/sec:      37.93B
"""


def test_times_of_each_unit_are_milliseconds() -> None:
    assert parse_wrk(SLOW) == LoadResult(rate=1.25, median=0.85, p99=1500.0, slowest=1620.0)


@pytest.mark.parametrize(
    "line",
    [
        "  Non-2xx or 3xx responses: 3\n",
        "  Socket errors: connect 0, read 0, write 0, timeout 2\n",
    ],
)
def test_an_answer_that_failed_fails_the_load(line: str) -> None:
    with pytest.raises(MeasureError):
        parse_wrk(SLOW + line)


def test_no_answer_is_no_rate() -> None:
    with pytest.raises(MeasureError, match="no answer"):
        parse_wrk(SLOW.replace("1.25", "0.00"))
