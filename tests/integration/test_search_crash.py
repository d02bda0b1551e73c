"""kill -9 of a process that writes the search index: what was committed is there."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from projections.search.pages import Window
from schemas.search.conditions import EVERYBODY
from tests.support.searching import ORIGIN, LocalIndex

WRITER = """
import sys
from pathlib import Path
from tests.support.searching import complete_index, profile, upsert

index = complete_index(Path(sys.argv[1]))
for number in range(10**6):
    upsert(index, [profile(f"{number:024x}", number)])
    index.upsert(profile(f"{number + 10**6:024x}", number))
    print(number, flush=True)
"""


@pytest.mark.parametrize("commits", [1, 7, 40])
def test_what_was_committed_outlives_a_kill(tmp_path: Path, commits: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(commits)]
        writer.send_signal(signal.SIGKILL)

    index = LocalIndex(tmp_path, ORIGIN)
    assert index.is_open
    ids = index.page("account", EVERYBODY, Window(), 500).ids
    assert {f"{number:024x}" for number in seen} <= set(ids)
    index.close()
