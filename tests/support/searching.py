"""A search index to test with."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from projections.search.documents import Entry
from projections.search.index import SearchIndex
from projections.search.reader import IndexReader
from schemas.timestamps import format_timestamp
from tests.support.search_inputs import NOW

ORIGIN = "this log"


class LocalIndex(IndexReader):
    """An index that is written and read in one process."""

    def __init__(self, root: Path, origin: str = ORIGIN) -> None:
        super().__init__(root)
        self.writer = SearchIndex(root, origin)
        if self.writer.generation is not None:
            self.use(self.writer.generation)

    def upsert(self, entry: Entry) -> None:
        self.writer.upsert(entry)

    def delete(self, id_: str) -> None:
        """Remove the profile, and hide it as a fold does."""
        self.hide([id_])
        self.writer.delete(id_)

    def commit(self) -> None:
        self.writer.commit()
        self.reload()
        self.unhide(self.hidden())

    def begin_rebuild(self) -> None:
        self.writer.begin_rebuild()

    def add(self, entries: Sequence[Entry]) -> None:
        self.writer.add(entries)

    def finish_rebuild(self) -> None:
        self.writer.finish_rebuild()
        assert self.writer.generation is not None
        self.use(self.writer.generation)
        self.unhide(self.hidden())
        self.writer.remove_others()

    def close(self) -> None:
        super().close()
        self.writer.close()


def complete_index(root: Path) -> LocalIndex:
    """An index that is open for searches, and empty when it is new."""
    index = LocalIndex(root)
    if not index.is_open:
        index.begin_rebuild()
        index.finish_rebuild()
    return index


def profile(
    id_: str,
    created: int = NOW,
    account: str = "account",
    partition: int = 0,
    offset: int = 0,
    **properties: Any,
) -> Entry:
    """A profile to be indexed; `created` in Unix milliseconds."""
    at = format_timestamp(created)
    document = {"id": id_, "uid": id_, "created_at": at, "updated_at": at, **properties}
    return Entry(id_, account, msgspec.json.encode(document), partition, offset)


def upsert(index: LocalIndex, entries: Sequence[Entry]) -> None:
    """Index profiles, visibly."""
    for entry in entries:
        index.upsert(entry)
    index.commit()


def index_processes(service: int) -> list[int]:
    """The pids of the processes that write the search index of the process `service`, and have not ended."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            command = (stat.parent / "cmdline").read_bytes()
            if int(parent) == service and state != "Z" and b"index_process" in command:
                found.append(int(stat.parent.name))
    return found
