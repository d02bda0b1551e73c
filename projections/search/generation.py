"""One index on disk as it is written: a tantivy index in a folder."""

from pathlib import Path
from typing import Final

from tantivy import Index

from projections.search import fields
from projections.search.documents import Indexable

WRITER_BYTES: Final = 64 << 20
"""Memory that tantivy collects documents in before it writes a segment."""


class Generation:
    """A tantivy index and its writer, of which tantivy allows one in all processes; for one thread at a time."""

    def __init__(self, folder: Path, *, is_complete: bool = True) -> None:
        """Open the index in `folder`, or begin one, to which profiles are added until it `is_complete`.

        Raises what tantivy raises for a damaged one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._writer = Index(fields.schema(), path=str(folder)).writer(WRITER_BYTES, 1)
        # While profiles are added, who was changed: what is added of them is older than that.
        self._changed: set[str] | None = None if is_complete else set()

    def add(self, profile: Indexable) -> None:
        """Index a profile, each one once, unless it was changed since the generation began.

        Nothing of it is removed first: until a commit tantivy keeps 1.4 KB for each removal, and then looks for it in
        every segment.
        """
        assert self._changed is not None, "the generation is not complete"
        if profile.id not in self._changed:
            self._writer.add_json(profile.json)

    def complete(self) -> None:
        """All profiles have been added."""
        self._changed = None

    def upsert(self, profile: Indexable) -> None:
        """Index this profile, in place of what is indexed of it."""
        self.delete(profile.id)
        self._writer.add_json(profile.json)

    def delete(self, id_: str) -> None:
        """Remove the profile."""
        if self._changed is not None:
            self._changed.add(id_)
        self._writer.delete_documents_by_term(fields.ID, id_)

    def commit(self) -> None:
        """Make all changes part of the files. What is committed outlives the process and a power cut."""
        self._writer.commit()

    def close(self) -> None:
        """Let merges end, and give the folder's lock back. What was not committed is lost."""
        self._writer.wait_merging_threads()
