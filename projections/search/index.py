"""The live index of a node: the generation in use, and the one that replaces it.

A rebuild is the one way to an index: the first ever, after damage, for another layout, and for an
erasure, since tantivy keeps a deleted profile's bytes in its files for as long as it likes::

    1. `begin_rebuild` starts a generation in a new folder; from then on changes go to both.
    2. `add` gives it every profile as it is now, on the thread of the changes: what was read
       before a change must not come after it.
    3. `finish_rebuild` commits it, names it in ``CURRENT``, and then removes the old folder.

A process that ends between these finds ``CURRENT`` as it was and begins again.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from projections.search import fields
from projections.search.counting import count
from projections.search.documents import Entry, Indexable
from projections.search.generation import Generation
from projections.search.integrity import DamagedIndex, check_files
from projections.search.lowering import Lowering
from projections.search.names import PropertyNames
from projections.search.pages import EVERYWHERE, Page, Window, count_at_edges, read_page
from schemas.errors import Unavailable
from schemas.search.conditions import Condition

log = logging.getLogger(__name__)

_CURRENT: Final = "CURRENT"
_RETRY_SECONDS: Final = 10


class _Current(msgspec.Struct, frozen=True):
    """What ``CURRENT`` says: the folder in use, its layout, and the log that it was made from."""

    generation: int
    layout: int
    origin: str


def discard_index(root: Path) -> None:
    """Let the next `SearchIndex` under `root` find none."""
    (root / _CURRENT).unlink(missing_ok=True)


class SearchIndex:
    """Finds the profiles of an account that meet a condition.

    Threads: as `Generation` says. `begin_rebuild`, `add` and `finish_rebuild`'s last step belong to
    the thread of the changes; see `projections.search.indexer`.
    """

    def __init__(self, root: Path, origin: str) -> None:
        """Open the index under `root`, checking its files (1 s a gigabyte).

        `origin` names the log and the hash key: an index of another one is not used. An index that
        is missing, damaged or of another layout is removed, and `is_complete` is False.
        """
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._origin = origin
        self._number = -1
        self._current = self._open_current()
        self._next: Generation | None = None
        self._remove_others()

    @property
    def is_complete(self) -> bool:
        """Whether searches are answered; if not, a rebuild is due."""
        return self._current is not None

    # --- changes

    def upsert(self, entry: Entry) -> None:
        """Index this profile; searches show it after the next `commit`."""
        profile = Indexable.of(entry)
        for generation in self._generations():
            generation.upsert(profile)

    def delete(self, id_: str) -> None:
        """Remove the profile. No search that begins from now on finds it."""
        for generation in self._generations():
            generation.delete(id_)

    def drop_partition(self, partition: int) -> None:
        """Remove all profiles of a partition. No search that begins from now on finds them."""
        for generation in self._generations():
            generation.drop_partition(partition)

    def write(self) -> None:
        """Write changes and what was given by `add`, so that they do not pile up. Fails like `commit`."""
        self._write(Generation.write)

    def commit(self) -> None:
        """Let searches show all changes. One that fails leaves an index that has to be rebuilt."""
        self._write(Generation.commit)

    def _write(self, work: Callable[[Generation], None]) -> None:
        current = self._current
        try:
            if current is not None:
                work(current)
        except BaseException:  # tantivy's panics are no Exceptions
            self._current = None
            raise
        if self._next is not None:
            self._next.write()

    def _generations(self) -> list[Generation]:
        return [each for each in (self._current, self._next) if each is not None]

    # --- rebuild

    def begin_rebuild(self) -> None:
        """Start an empty generation; one that was begun before is given up."""
        self.abandon_rebuild()
        self._next = Generation(self._folder(self._number + 1), is_complete=False)

    def add(self, entries: Iterable[Entry]) -> None:
        """Give the new generation profiles, as they are now, each of them once."""
        assert self._next is not None, "a rebuild has begun"
        for entry in entries:
            self._next.add(Indexable.of(entry))

    def finish_rebuild(self) -> None:
        """Use the new generation from now on, and remove the folder of the old one. It may wait.

        Changes may come meanwhile: they are in both. The bytes of what was deleted before
        `begin_rebuild` are in no file when this returns.
        """
        assert self._next is not None, "a rebuild has begun"
        self._next.commit()
        self._next.complete()
        self._name_current(self._number + 1)
        old, self._current, self._next = self._current, self._next, None
        self._number += 1
        if old is not None:
            old.close()
        self._remove_others()

    def abandon_rebuild(self) -> None:
        """Give the new generation up, if there is one."""
        given_up, self._next = self._next, None
        if given_up is not None:
            given_up.close()
            shutil.rmtree(given_up.folder)

    def close(self) -> None:
        """Close all files. What was not committed is lost."""
        self.abandon_rebuild()
        if self._current is not None:
            self._current.close()
            self._current = None

    # --- searches

    def count(self, account: str, condition: Condition, window: Window = EVERYWHERE) -> int:
        """How many profiles of the account in the window meet the condition.

        Raises `Unavailable` while the index is not complete.
        """
        generation = self._complete()
        within = window.inner(generation.schema)
        found = count(generation, Lowering(generation.index, account, within), condition)
        if not window.edge_keys:
            return found
        searcher, left = generation.snapshot(Lowering(generation.index, account).query(condition))
        return found + count_at_edges(searcher, generation.schema, left, window)

    def page(self, account: str, condition: Condition, window: Window, limit: int) -> Page:
        """The first `limit` profiles in the window that meet the condition, newest created first.

        Raises `Unavailable` while the index is not complete.
        """
        generation = self._complete()
        query = Lowering(generation.index, account).query(condition)
        searcher, left = generation.snapshot(query)
        return read_page(searcher, generation.schema, left, window, limit)

    def names(self, account: str) -> PropertyNames:
        """What the properties of the account's profiles are called. Raises like `count`."""
        return PropertyNames(self._complete(), account)

    def _complete(self) -> Generation:
        if self._current is None:
            raise Unavailable("The search index is being built", retry_after=_RETRY_SECONDS)
        return self._current

    # --- folders

    def _open_current(self) -> Generation | None:
        try:
            current = msgspec.json.decode((self._root / _CURRENT).read_bytes(), type=_Current)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if (current.layout, current.origin) != (fields.LAYOUT, self._origin):
            return None
        self._number = current.generation
        folder = self._folder(current.generation)
        try:
            check_files(folder)
            return Generation(folder)
        except (DamagedIndex, OSError, ValueError) as error:
            log.warning("The search index is damaged and will be rebuilt: %s", error)
            return None

    def _name_current(self, number: int) -> None:
        new = self._root / f"{_CURRENT}.new"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(_Current(number, fields.LAYOUT, self._origin)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._root / _CURRENT)

    def _folder(self, number: int) -> Path:
        return self._root / str(number)

    def _remove_others(self) -> None:
        """Remove every generation but the one in use."""
        for folder in self._root.iterdir():
            if folder.is_dir() and (self._current is None or folder != self._current.folder):
                shutil.rmtree(folder)
