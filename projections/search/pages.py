"""Pages of hits: newest created first, then by id downwards, from one snapshot of the index.

tantivy sorts by one number, the order key, and puts hits with the same key in an order of its own
that changes with every merge. So a page is read a little further than its end, hits are sorted by
creation and id, and the last key is left out: some of its hits may not have been read.
"""

from typing import Final, NamedTuple

from tantivy import FieldType, Occur, Order, Query, Schema, Searcher

from projections.search import fields
from schemas.search.conditions import Moment
from schemas.search.cursors import SortKey

_FURTHER = 16  # more than share a key, even when a full batch was created in one millisecond

Edge = SortKey | Moment
"""An end of a page that is not in it."""


class Page(NamedTuple):
    """The profiles of a page, and the sort key of the last of them when there are more behind it."""

    sort_keys: list[SortKey]
    more_before: SortKey | None

    @property
    def ids(self) -> list[str]:
        return [sort_key.id for sort_key in self.sort_keys]


class Window(NamedTuple):
    """What lies after the one edge and before the other."""

    before: Edge | None = None
    after: Edge | None = None

    def restrict(self, query: Query, schema: Schema) -> Query:
        """`query` within the window, with all profiles that share their order key with an edge."""
        keys = self._keys(schema)
        return (
            query
            if keys is None
            else Query.boolean_query([(Occur.Must, query), (Occur.Must, keys)])
        )

    def inner(self, schema: Schema) -> Query | None:
        """What is within the window without those that share their order key with an edge; None for everything."""
        return self._keys(schema, beside=1)

    @property
    def edge_keys(self) -> set[int]:
        """The order keys that some profiles in the window may share with an edge."""
        return {
            fields.order_key(*edge)
            for edge in (self.before, self.after)
            if isinstance(edge, SortKey)
        }

    def _keys(self, schema: Schema, beside: int = 0) -> Query | None:
        """The order keys from edge to edge; those of `SortKey`s, moved inwards by `beside`, are among them."""
        if self.before is None and self.after is None:
            return None
        upper = lower = None
        match self.before:
            case SortKey(created, id_):
                upper = fields.order_key(created, id_) - beside
            case Moment(ms):
                upper = fields.order_key(ms) - 1
            case None:
                pass
        match self.after:
            case SortKey(created, id_):
                lower = fields.order_key(created, id_) + beside
            case Moment(ms):
                lower = fields.order_key(ms + 1)
            case None:
                pass
        if upper is not None and lower is not None and upper < lower:
            return Query.empty_query()
        return Query.range_query(schema, fields.ORDER, FieldType.Integer, lower, upper)

    def begins_above(self, key: int) -> bool:
        """Whether profiles with a higher order key than this may be in the window."""
        match self.before:
            case SortKey(created, id_):
                return fields.order_key(created, id_) > key
            case Moment(ms):
                return fields.order_key(ms) > key
            case None:
                return True

    def holds(self, sort_key: SortKey) -> bool:
        """Whether a profile that `restrict` let through is in the window."""
        return not (
            (isinstance(self.before, SortKey) and sort_key >= self.before)
            or (isinstance(self.after, SortKey) and sort_key <= self.after)
        )


EVERYWHERE: Final = Window()


def read_page(
    searcher: Searcher,
    schema: Schema,
    query: Query,
    window: Window,
    limit: int,
    newest: int | None = None,
) -> Page:
    """The first `limit` profiles of the query in the window; sooner when they lie above the order key `newest`."""
    restricted = window.restrict(query, schema)
    reach = limit + _FURTHER
    if newest is not None and window.begins_above(newest):
        above = Query.range_query(schema, fields.ORDER, FieldType.Integer, newest, None)
        among = Query.boolean_query([(Occur.Must, above), (Occur.Must, restricted)])
        inside, _ = _read_inside(searcher, among, window, reach)
        if len(inside) > limit:
            return Page(inside[:limit], inside[limit - 1])
    while True:
        inside, is_whole = _read_inside(searcher, restricted, window, reach)
        if is_whole or len(inside) > limit:
            shown = inside[:limit]
            return Page(shown, shown[-1] if len(inside) > limit else None)
        reach *= 2


def _read_inside(
    searcher: Searcher, query: Query, window: Window, reach: int
) -> tuple[list[SortKey], bool]:
    """As `_read_sort_keys`, of those in the window alone."""
    sort_keys, is_whole = _read_sort_keys(searcher, query, reach)
    return list(filter(window.holds, sort_keys)), is_whole


def count_at_edges(searcher: Searcher, schema: Schema, query: Query, window: Window) -> int:
    """How many profiles of the query are in the window and share their order key with one of its edges."""
    found: set[SortKey] = set()
    restricted = window.restrict(query, schema)
    for key in window.edge_keys:
        at_key = Query.range_query(schema, fields.ORDER, FieldType.Integer, key, key)
        at_edge = Query.boolean_query([(Occur.Must, restricted), (Occur.Must, at_key)])
        reach, is_whole = _FURTHER, False
        while not is_whole:
            sort_keys, is_whole = _read_sort_keys(searcher, at_edge, reach)
            reach *= 2
            found.update(sort_keys)
    return sum(map(window.holds, found))


def _read_sort_keys(searcher: Searcher, query: Query, reach: int) -> tuple[list[SortKey], bool]:
    """Places from the top, in order, without a gap; and whether there are no others."""
    hits = searcher.search(
        query, reach, count=False, order_by_field=fields.ORDER, order=Order.Desc
    ).hits
    is_whole = len(hits) < reach
    if not is_whole:
        last_key = hits[-1][0]
        hits = [hit for hit in hits if hit[0] != last_key]
    sort_keys = [
        SortKey(fields.created_of(key), searcher.doc(address)[fields.ID][0])
        for key, address in hits
    ]
    return sorted(sort_keys, reverse=True), is_whole
