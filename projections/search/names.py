"""Which properties and tracked events the profiles of an account have, and who has one (contract §10, §11).

The dictionary of the index names every property, also one that a single profile of a million has. It goes on naming
what only deleted profiles had, so each term is counted in those that are left: 5 ns for each profile that has it.
"""

from collections.abc import Iterable
from typing import Any, cast

from tantivy import Occur, Order, Query

from projections.search import fields
from projections.search.encoding import account_prefix, event_term, name_term
from projections.search.view import View
from schemas.properties import ValueType


class PropertyNames:
    """The properties and events of an account's profiles, from one snapshot of the index; for any thread."""

    def __init__(self, view: View, account: str) -> None:
        self._schema = view.schema
        self._prefix = account_prefix(account)
        self._events = event_term(account, "")
        everybody = self._having(fields.ACCOUNT, account)
        self._searcher, self._everybody = view.snapshot(everybody)

    def types(self) -> dict[str, list[ValueType]]:
        """By the dotted names of all properties, in their order, the types of their values."""
        found: dict[str, list[ValueType]] = {}
        terms = self._searcher.terms_with_prefix(fields.NAMES, self._prefix, self._everybody)
        for term, _ in terms:
            name, _, type_ = term.removeprefix(self._prefix).rpartition(",")
            found.setdefault(name, []).append(cast("ValueType", type_))
        return found

    def events(self) -> list[str]:
        """The names of all tracked events, in their order."""
        terms = self._searcher.terms_with_prefix(fields.NAMES, self._events, self._everybody)
        return sorted(term.removeprefix(self._events) for term, _ in terms)

    def last_tracked(self, name: str) -> int | None:
        """When the event was tracked last, in unix milliseconds; 10 ns for each profile that has it."""
        having = self._among(self._having(fields.NAMES, self._events + name))
        untyped: Any = self._searcher  # tantivy's stubs say dict, of whatever
        last = {"max": {"field": fields.column(fields.EVENT_LAST, (name,))}}
        found: float | None = untyped.aggregate(having, {"last": last})["last"]["value"]
        return None if found is None else int(found)

    def newest(self, limit: int) -> list[str]:
        """The ids of the profiles that were updated last."""
        return self._newest(self._everybody, limit)

    def holders(self, name: str, type_: ValueType, limit: int) -> list[str]:
        """The ids of the profiles that were updated last among those with such a value."""
        return self._newest(self._among(self._term(name, type_)), limit)

    def first_created(self, name: str, types: Iterable[ValueType]) -> int | None:
        """When the oldest profile with the property was created, in unix milliseconds."""
        having = Query.boolean_query([(Occur.Should, self._term(name, type_)) for type_ in types])
        hits = self._searcher.search(
            self._among(having), 1, count=False, order_by_field=fields.ORDER, order=Order.Asc
        ).hits
        return fields.created_of(hits[0][0]) if hits else None

    def _newest(self, query: Query, limit: int) -> list[str]:
        hits = self._searcher.search(
            query, limit, count=False, order_by_field=fields.UPDATED, order=Order.Desc
        ).hits
        return [self._searcher.doc(address)[fields.ID][0] for _, address in hits]

    def _among(self, query: Query) -> Query:
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, self._everybody)])

    def _term(self, name: str, type_: ValueType) -> Query:
        return self._having(fields.NAMES, name_term(self._prefix + name, type_))

    def _having(self, field: str, term: str) -> Query:
        query = Query.term_query(self._schema, field, term, index_option="basic")
        return Query.const_score_query(query, 1.0)
