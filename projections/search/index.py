"""The index of a node as it is written: the generation in use, and the one that replaces it.

A rebuild is the one way to an index: the first ever, after damage, for another layout, and for an
erasure, since tantivy keeps a deleted profile's bytes in its files for as long as it likes::

    1. `begin_rebuild` starts a generation in a new folder; from then on changes go to both.
    2. `add` gives it every profile. What is added of a profile after a change of it is left out.
    3. `finish_rebuild` commits it and names it in ``CURRENT``.
    4. When searches use it, `remove_others` removes the old folder.

A process that ends before 3. finds ``CURRENT`` as it was, and begins again.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from projections.search import fields
from projections.search.documents import Entry, Indexable
from projections.search.generation import Generation
from projections.search.integrity import DamagedIndex, check_files

_CURRENT: Final = "CURRENT"


class _Current(msgspec.Struct, frozen=True):
    """What ``CURRENT`` says: the folder in use, its layout, and the log that it was made from."""

    generation: int
    layout: int
    origin: str


def discard_index(root: Path) -> None:
    """Let the next `SearchIndex` under `root` find none."""
    (root / _CURRENT).unlink(missing_ok=True)


def generation_folder(root: Path, number: int) -> Path:
    """Where the generation of this number lies."""
    return root / str(number)


class SearchIndex:
    """Writes the index under a folder: one process, and one thread of it, at a time (`reader` is for all others)."""

    def __init__(self, root: Path, origin: str) -> None:
        """Open the index under `root`, checking its files (1 s a gigabyte).

        `origin` names the log and the hash key: an index of another one is
        not used. An index that is missing, damaged or of another layout is removed, and `generation` is None.
        """
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._origin = origin
        self._number = -1
        self._damage: str | None = None
        self._current = self._open_current()
        self._next: Generation | None = None
        self.remove_others()

    @property
    def generation(self) -> int | None:
        """The number of the generation in use; None when there is none, and a rebuild is due."""
        return None if self._current is None else self._number

    @property
    def damage(self) -> str | None:
        """What was wrong with the files that were there, and are not used for that."""
        return self._damage

    # --- changes

    def upsert(self, entry: Entry) -> None:
        """Index this profile, in place of what is indexed of it; readers find it after the next `commit`."""
        profile = Indexable.of(entry)
        for generation in self._generations():
            generation.upsert(profile)

    def delete(self, id_: str) -> None:
        """Remove the profile; readers find it until the next `commit`."""
        for generation in self._generations():
            generation.delete(id_)

    def commit(self) -> None:
        """Make all changes part of the files. After an error the index has to be rebuilt."""
        if self._current is not None:
            self._current.commit()

    def _generations(self) -> list[Generation]:
        return [each for each in (self._current, self._next) if each is not None]

    # --- rebuild

    def begin_rebuild(self) -> None:
        """Start an empty generation; one that was begun before is abandoned."""
        self.abandon_rebuild()
        self._next = Generation(self._folder(self._number + 1), is_complete=False)

    def add(self, entries: Iterable[Entry]) -> None:
        """Give the new generation profiles, each of them once."""
        assert self._next is not None, "a rebuild has begun"
        for entry in entries:
            self._next.add(Indexable.of(entry))

    def finish_rebuild(self) -> None:
        """Use the new generation from now on. The folder of the old one stays until `remove_others`."""
        assert self._next is not None, "a rebuild has begun"
        self._next.commit()
        self._next.complete()
        self._name_current(self._number + 1)
        old, self._current, self._next = self._current, self._next, None
        self._number += 1
        if old is not None:
            old.close()

    def abandon_rebuild(self) -> None:
        """Remove the new generation, if there is one."""
        abandoned, self._next = self._next, None
        if abandoned is not None:
            abandoned.close()
            shutil.rmtree(abandoned.folder)

    def close(self) -> None:
        """Close all files. What was not committed is lost."""
        self.abandon_rebuild()
        if self._current is not None:
            self._current.close()
            self._current = None

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
            self._damage = str(error)
            return None

    def _name_current(self, number: int) -> None:
        new = self._root / f"{_CURRENT}.new"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(_Current(number, fields.LAYOUT, self._origin)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._root / _CURRENT)

    def _folder(self, number: int) -> Path:
        return generation_folder(self._root, number)

    def remove_others(self) -> None:
        """Remove the folder of every generation but the one in use, which no reader may open any more."""
        for folder in self._root.iterdir():
            if folder.is_dir() and (self._current is None or folder != self._current.folder):
                shutil.rmtree(folder)
