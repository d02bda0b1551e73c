"""One generation of the index, open for searches, and who is hidden from them."""

import threading
from collections.abc import Iterable
from pathlib import Path

from tantivy import Index, Occur, Query, Searcher

from projections.search import fields
from projections.search.newest import Newest


class Hidden:
    """The ids of erased profiles that may still be in the files; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}

    def ids(self) -> list[str]:
        with self._lock:
            return list(self._ids)

    def add(self, ids: Iterable[str]) -> None:
        with self._lock:
            self._ids.update(dict.fromkeys(ids))

    def discard(self, ids: Iterable[str]) -> None:
        with self._lock:
            for id_ in ids:
                self._ids.pop(id_, None)


class View:
    """A tantivy index as it was at the last `reload`; for any thread."""

    def __init__(self, folder: Path, hidden: Hidden) -> None:
        """Opens the index in `folder`. Raises what tantivy raises for a damaged one."""
        self.index = Index.open(str(folder))
        self.index.config_reader("manual")
        self.index.reload()
        self.schema = self.index.schema
        self.newest = Newest()
        self._hidden = hidden

    def reload(self) -> None:
        """Show what has been committed until now."""
        self.index.reload()

    def snapshot(self, query: Query) -> tuple[Searcher, Query]:
        """What was committed at the last `reload`, and `query` without who is hidden.

        In this order: who is hidden no longer when a reload has ended is not in a snapshot of after it.
        """
        left = self._without_hidden(query)
        return self.index.searcher(), left

    def _without_hidden(self, query: Query) -> Query:
        ids = self._hidden.ids()
        if not ids:
            return query
        hidden = Query.term_set_query(self.schema, fields.ID, ids)
        return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, hidden)])
