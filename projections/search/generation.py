"""One index on disk: a tantivy index in a folder, and what is still to be written to it."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from tantivy import Index, IndexWriter, Occur, Query, Searcher

from projections.search import fields
from projections.search.documents import Indexable

WRITER_BYTES: Final = 64 << 20
"""Memory that tantivy collects documents in before it writes a segment."""

_NICENESS: Final = 10

_Key = TypeVar("_Key", str, int)


class _Noted(NamedTuple):
    """What is to be written: a profile by its id (None: it is gone), after whole partitions went.

    Nothing is there yet of who is `new`, so nothing of them is removed first: until a commit tantivy keeps 1.4 KB for
    each removal, and then looks for it in every segment.
    """

    profiles: dict[str, Indexable | None]
    dropped: set[int]
    new: set[str]

    @classmethod
    def nothing(cls) -> "_Noted":
        return cls({}, set(), set())


class Generation:
    """A tantivy index.

    Threads: `add`, `upsert`, `delete` and `drop_partition` only note what is to be done, and may be called
    on an event loop. `write` and `commit` do it, in a thread that may wait, one at a time: tantivy's
    writer refuses a second. All else is for any thread.
    """

    def __init__(self, folder: Path, *, is_complete: bool = True) -> None:
        """Open the index in `folder`, or begin one, to which profiles are added until it `is_complete`.

        Raises what tantivy raises for a damaged one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.index = Index(fields.schema(), path=str(folder))
        self.index.config_reader("manual")
        self.index.reload()
        self.schema = self.index.schema
        self._writer = _open_writer(self.index)
        self._writing = threading.Lock()
        self._noting = threading.Lock()
        self._noted = _Noted.nothing()
        # While profiles are added, who was changed, and in which partition they are: None for who is gone.
        self._changed: dict[str, int | None] | None = None if is_complete else {}
        self._takes = 0
        # What is gone, by the number of takes before it went: hidden until its removal is committed.
        self._gone: dict[str, int] = {}
        self._gone_partitions: dict[int, int] = {}

    # --- what is to be done

    def add(self, profile: Indexable) -> None:
        """Index a profile as it is now, each one once; who was changed since the generation began is known already."""
        assert self._changed is not None, "the generation is not complete"
        with self._noting:
            if profile.id not in self._changed:
                self._noted.profiles[profile.id] = profile
                self._noted.new.add(profile.id)

    def complete(self) -> None:
        """All profiles have been added."""
        with self._noting:
            self._changed = None

    def upsert(self, profile: Indexable) -> None:
        """Index this profile, in place of what is indexed of it."""
        with self._noting:
            self._change(profile.id, profile)

    def delete(self, id_: str) -> None:
        """Remove the profile. No search that begins from now on finds it."""
        with self._noting:
            self._gone[id_] = self._takes
            self._change(id_, None)

    def _change(self, id_: str, profile: Indexable | None) -> None:
        self._noted.profiles[id_] = profile
        if self._changed is not None:
            self._changed[id_] = profile and profile.partition

    def drop_partition(self, partition: int) -> None:
        """Remove all profiles of a partition. No search that begins from now on finds them."""
        with self._noting:
            self._gone_partitions[partition] = self._takes
            profiles, dropped, _ = self._noted
            dropped.add(partition)
            stale = [
                id_
                for id_, profile in profiles.items()
                if profile and profile.partition == partition
            ]
            for id_ in stale:
                del profiles[id_]
            if self._changed is not None:
                changed = self._changed.items()
                self._changed = {id_: where for id_, where in changed if where != partition}

    # --- doing it

    def write(self) -> None:
        """Hand what is noted to tantivy; no search shows it before `commit`."""
        with self._writing:
            self._write()

    def commit(self) -> None:
        """Write what is noted, and let searches show all that is written.

        What is committed outlives the process and a power cut.
        """
        with self._writing:
            self._write()
            takes = self._takes
            self._writer.commit()
            self.index.reload()
            with self._noting:
                self._gone = _since(self._gone, takes)
                self._gone_partitions = _since(self._gone_partitions, takes)

    def _write(self) -> None:
        with self._noting:
            noted, self._noted = self._noted, _Noted.nothing()
            self._takes += 1
        writer = self._writer
        for partition in noted.dropped:
            writer.delete_documents_by_term(fields.PARTITION, partition)
        for id_, profile in noted.profiles.items():
            if id_ not in noted.new:
                writer.delete_documents_by_term(fields.ID, id_)
            if profile is not None:
                writer.add_json(profile.json)

    def close(self) -> None:
        """Let merges end, and give the folder's lock back. What is noted is lost."""
        with self._writing:
            self._writer.wait_merging_threads()

    # --- what is found

    def snapshot(self, query: Query) -> tuple[Searcher, Query]:
        """What was last committed, and `query` without what was removed, committed or not.

        In this order: what a commit takes off the list of what is gone is not in a snapshot of after it.
        """
        left = self._without_gone(query)
        return self.index.searcher(), left

    def _without_gone(self, query: Query) -> Query:
        with self._noting:
            ids, partitions = list(self._gone), list(self._gone_partitions)
        if not ids and not partitions:
            return query
        gone = [
            Query.term_query(self.schema, fields.PARTITION, partition, index_option="basic")
            for partition in partitions
        ]
        if ids:
            gone.append(Query.term_set_query(self.schema, fields.ID, ids))
        return Query.boolean_query(
            [(Occur.Must, query), *((Occur.MustNot, excluded) for excluded in gone)]
        )


def _open_writer(index: Index) -> IndexWriter:
    """A writer whose own threads go behind everybody else's of this machine: Linux's threads inherit that.

    They hold no lock that others wait for.
    """
    with ThreadPoolExecutor(1, initializer=_stand_behind) as opener:
        return opener.submit(index.writer, WRITER_BYTES, 1).result()


def _stand_behind() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _since(gone: dict[_Key, int], takes: int) -> dict[_Key, int]:
    """What went after that many takes."""
    return {key: before for key, before in gone.items() if before >= takes}
