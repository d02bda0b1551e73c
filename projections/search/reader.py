"""The index of a node as searches read it, while another process writes the same files (`projections.search.index`).

Erased profiles are hidden at once, and from then on, until a view without them is shown.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from projections.search.counting import count
from projections.search.index import generation_folder
from projections.search.lowering import Lowering
from projections.search.names import PropertyNames
from projections.search.pages import EVERYWHERE, Page, Window, count_at_edges, read_page
from projections.search.view import Hidden, View
from schemas.errors import Unavailable
from schemas.search.conditions import EVERYBODY, Condition

_RETRY_SECONDS: Final = 10


class IndexReader:
    """Finds the profiles of an account that meet a condition; for any thread.

    No search is answered before `use`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._hidden = Hidden()
        self._view: View | None = None
        # A view of a folder that is to be removed may not be reloaded meanwhile.
        self._changing = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether searches are answered."""
        return self._view is not None

    # --- what is shown

    def use(self, generation: int) -> None:
        """Search this generation from now on. Afterwards nothing of another one is opened again.

        Raises what tantivy raises for a damaged one.
        """
        with self._changing:
            self._view = View(generation_folder(self._root, generation), self._hidden)

    def reload(self) -> None:
        """Show what has been committed until now."""
        with self._changing:
            if self._view is not None:
                self._view.reload()

    def close(self) -> None:
        """Answer no search until the next `use`."""
        with self._changing:
            self._view = None

    def hide(self, ids: Iterable[str]) -> None:
        """No search that begins from now on finds these profiles."""
        self._hidden.add(ids)

    def hidden(self) -> list[str]:
        """The ids of hidden profiles."""
        return self._hidden.ids()

    def unhide(self, ids: Iterable[str]) -> None:
        """These profiles are not in what is shown."""
        self._hidden.discard(ids)

    # --- searches

    def count(self, account: str, condition: Condition, window: Window = EVERYWHERE) -> int:
        """How many profiles of the account in the window meet the condition.

        Raises `Unavailable` while no index is open.
        """
        view = self._open_view()
        within = window.inner(view.schema)
        found = count(view, Lowering(view.index, account, within), condition)
        if not window.edge_keys:
            return found
        searcher, left = view.snapshot(Lowering(view.index, account).query(condition))
        return found + count_at_edges(searcher, view.schema, left, window)

    def page(self, account: str, condition: Condition, window: Window, limit: int) -> Page:
        """The first `limit` profiles in the window that meet the condition, newest created first.

        Raises `Unavailable` while no index is open.
        """
        view = self._open_view()
        lowering = Lowering(view.index, account)
        searcher, left = view.snapshot(lowering.query(condition))
        newest = view.newest.bound(searcher, account, lowering.query(EVERYBODY))
        return read_page(searcher, view.schema, left, window, limit, newest)

    def names(self, account: str) -> PropertyNames:
        """What the properties of the account's profiles are called. Raises like `count`."""
        return PropertyNames(self._open_view(), account)

    def _open_view(self) -> View:
        if self._view is None:
            raise Unavailable("The search index is being built", retry_after=_RETRY_SECONDS)
        return self._view
