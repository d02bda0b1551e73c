"""Reading a state folder beside the one that writes it (`projections.auditing.state_files`)."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rocksdict import Rdict, WriteBatch

from projections.auditing.state_files import (
    Secondary,
    UnknownFormat,
    journal_rows,
    shown_rows,
    table_rows,
)
from projections.storage import RocksStorage

SHOWN = """
from pathlib import Path
from projections.auditing.state_files import shown_rows
print(dict(shown_rows(Path({!r}))))
"""


# Long and short, dull and random.
PARTS: Final = st.binary(min_size=1, max_size=30)
VALUES: Final = st.one_of(
    st.binary(max_size=300),
    st.tuples(PARTS, st.integers(1, 400)).map(lambda made: made[0] * made[1]),
)


class Written:
    """A state that its writer has open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = RocksStorage(folder)

    def flush(self) -> None:
        """Bring what is in memory and in the log into a table."""
        self.database.flush()

    @property
    def database(self) -> Rdict:
        return self.storage._db  # pyright: ignore[reportPrivateUsage] - what a service lets RocksDB do

    def in_tables(self) -> list[tuple[bytes, bytes | None]]:
        return [row for path in sorted(self.folder.glob("*.sst")) for row in table_rows(path)]

    def in_journals(self) -> list[tuple[bytes, bytes | None]]:
        return [row for path in sorted(self.folder.glob("*.log")) for row in journal_rows(path)]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    written = Written(tmp_path / "state")
    yield written
    written.storage.close()


def some_rows(count: int) -> dict[bytes, bytes | None]:
    """Rows of several blocks."""
    return {
        b"D%06d" % n: b'{"uid":"user-%d","plan":"free","n":%d}' % (n, n * n) for n in range(count)
    }


def test_rows_are_shown_to_another_process_while_their_writer_goes_on(written: Written) -> None:
    written.storage.write({b"a": b"1", b"b": b"2"})
    written.flush()
    written.storage.write({b"b": b"3", b"c": b"4", b"a": None})

    script = SHOWN.format(str(written.folder))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == str({b"b": b"3", b"c": b"4"})
    written.storage.write({b"d": b"5"})
    assert written.storage.get(b"d") == b"5"


def test_looking_leaves_nothing_in_the_folder(written: Written) -> None:
    written.storage.write({b"a": b"1"})
    before = {path: path.read_bytes() for path in written.folder.iterdir()}

    assert dict(shown_rows(written.folder)) == {b"a": b"1"}
    assert {path: path.read_bytes() for path in written.folder.iterdir()} == before


def test_a_folder_without_a_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat):
        list(shown_rows(tmp_path))


def test_a_table_has_every_row(written: Written) -> None:
    rows = some_rows(20_000)
    written.storage.write(rows)
    written.flush()

    assert dict(written.in_tables()) == rows
    assert len(list(written.folder.glob("*.sst"))) == 1


def test_a_secondary_keeps_to_bounds_that_nobody_else_holds(written: Written) -> None:
    def key(number: int) -> bytes:
        return b"H" + number.to_bytes(20)

    written.storage.write({key(number): b"" for number in range(1000)})

    with Secondary(written.folder) as rows:
        rows.catch_up()
        for first in range(990):
            found = [row for row, _ in rows.scan(key(first), key(first + 5))]
            assert found == [key(number) for number in range(first, first + 5)]


def test_what_was_overwritten_or_deleted_is_in_its_table_until_a_compaction(
    written: Written,
) -> None:
    written.storage.write({b"a": b"old", b"b": b"gone", b"c": b"stays"})
    written.flush()
    written.storage.write({b"a": b"new", b"b": None})
    written.flush()

    assert dict(shown_rows(written.folder)) == {b"a": b"new", b"c": b"stays"}
    assert {(b"a", b"old"), (b"b", b"gone"), (b"b", None)} < set(written.in_tables())

    written.database.compact_range(None, None)
    assert written.in_tables() == [(b"a", b"new"), (b"c", b"stays")]


def test_what_was_overwritten_or_deleted_is_in_the_log_until_a_flush(written: Written) -> None:
    written.storage.write({b"a": b"old", b"b": b"gone"})
    batch = WriteBatch(raw_mode=True)
    batch.delete_range(b"x", b"y")
    written.database.write(batch)
    written.storage.write({b"a": b"new", b"b": None})

    assert written.in_journals() == [
        (b"a", b"old"), (b"b", b"gone"), (b"x", None), (b"y", None), (b"a", b"new"), (b"b", None),
    ]  # fmt: skip

    written.flush()
    assert written.in_journals() == []


def test_a_row_that_a_block_of_the_log_cuts_is_read_whole(written: Written) -> None:
    rows = [(b"%d" % n, b"%d" % n * 20_000) for n in range(1, 9)]
    for key, value in rows:
        written.storage.write({key: value})

    assert written.in_journals() == rows


def test_a_log_that_is_cut_off_is_read_up_to_there(written: Written, tmp_path: Path) -> None:
    written.storage.write({b"a": b"1"})
    written.storage.write({b"b": b"2"})
    (journal,) = written.folder.glob("*.log")
    cut = tmp_path / "cut.log"
    cut.write_bytes(journal.read_bytes()[:-1])

    assert list(journal_rows(cut)) == [(b"a", b"1")]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 5000])
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "000001.sst"
    path.write_bytes(content)

    with pytest.raises(UnknownFormat):
        list(table_rows(path))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(st.binary(max_size=40), VALUES, max_size=60), max_size=4))
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, writes: list[dict[bytes, bytes]]
) -> None:
    written = Written(tmp_path_factory.mktemp("state") / "state")
    everything = [row for rows in writes for row in rows.items()]
    for rows in writes:
        written.storage.write(dict(rows))

    assert written.in_journals() == everything
    written.flush()
    assert set(written.in_tables()) <= set(everything)
    assert dict(shown_rows(written.folder)) == dict(everything)
    assert set(written.in_tables()) >= set(dict(everything).items())
    written.storage.close()
