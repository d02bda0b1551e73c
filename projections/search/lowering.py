"""From a condition to a tantivy query, within one account.

Ranges can only be written in tantivy's query grammar, and with one bound each: it panics when one
bound is whole and the other a fraction. `encoding` makes texts fit it; names fit as they are, being
letters, digits and ``_`` (contract §9).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from tantivy import Index, Occur, Query

from projections.search import fields
from projections.search.encoding import (
    BETWEEN_LARGE,
    LARGE,
    encode_large,
    encode_path,
    encode_text,
    is_large,
    mark_boolean_item,
    mark_container,
    mark_null,
    mark_number_item,
    mark_text_item,
    mark_time_item,
    plain_number,
)
from projections.search.substring import seeks_substring, term_pattern
from schemas.search.conditions import (
    AllOf,
    AnyOf,
    Compares,
    Comparison,
    Condition,
    Contains,
    Exists,
    Happened,
    HappenedLast,
    HappenedOften,
    HasItem,
    IsNull,
    Moment,
    Not,
    OneOf,
    OnEvent,
    OnProperty,
    Path,
    Scalar,
)

_RANGES: Final = {
    Comparison.GREATER: "{%s TO *]",
    Comparison.GREATER_OR_EQUAL: "[%s TO *]",
    Comparison.LESS: "[* TO %s}",
    Comparison.LESS_OR_EQUAL: "[* TO %s]",
}
_FEW: Final = 300
"""So many terms, each for itself, are found sooner than all of them in one walk through the dictionary."""

_VERY_MANY: Final = 1000
_UPWARD: Final = (Comparison.GREATER, Comparison.GREATER_OR_EQUAL)


class Lowering:
    """Makes the queries of one account, of conditions that ask nothing of companies; all of them `within` a query."""

    def __init__(self, index: Index, account: str, within: Query | None = None) -> None:
        self._index = index
        self._schema = index.schema
        self._account = account
        self._within = [] if within is None else [(Occur.Must, within)]

    def query(self, condition: Condition) -> Query:
        """The profiles of the account for which `condition` holds."""
        account = self._term(fields.ACCOUNT, self._account)
        return Query.boolean_query(
            [(Occur.Must, account), *self._within, *self._clauses(condition)]
        )

    def _clauses(self, condition: Condition) -> list[tuple[Occur, Query]]:
        """What has to be met, and what must not be, for `condition` to hold."""
        match condition:
            case AllOf(conditions):
                return [clause for each in conditions for clause in self._clauses(each)]
            case Not(AllOf() | AnyOf() as inner):
                return [(Occur.MustNot, self._lower(inner))]
            case Not(Not(inner)):
                return self._clauses(inner)
            case Not(inner):
                return [(Occur.MustNot, self._lower(inner))]
            case _:
                return [(Occur.Must, self._lower(condition))]

    def _lower(self, condition: Condition) -> Query:
        match condition:
            case AllOf() | Not():
                # A query of negations alone matches nothing in tantivy: hence everything.
                return Query.boolean_query(
                    [(Occur.Must, Query.all_query()), *self._clauses(condition)]
                )
            case AnyOf(conditions):
                return _any(*map(self._lower, conditions))
            case Happened(name):
                return Query.exists_query(fields.column(fields.EVENT_COUNT, (name,)))
            case HappenedOften(name, comparison, count):
                bound = _decimal(max(-LARGE, min(LARGE, count)))
                return self._range(fields.EVENT_COUNT, (name,), comparison, bound)
            case HappenedLast(name, comparison, moment):
                return self._range(fields.EVENT_LAST, (name,), comparison, str(moment.ms))
            case _:
                return self._on_property(condition)

    # --- properties

    def _on_property(self, condition: OnProperty) -> Query:
        match condition:
            case Exists(path):
                return self._exists(path)
            case IsNull(path):
                return self._term(fields.MARKS, mark_null(encode_path(path)))
            case OneOf(path, values):
                return self._one_of(path, values)
            case Compares(path, comparison, value):
                return self._compares(path, comparison, value)
            case Contains():
                return self._contains(condition)
            case HasItem(path, value):
                return self._term(fields.MARKS, _item_mark(encode_path(path), value))

    def _exists(self, path: Path) -> Query:
        dotted = encode_path(path)
        return _any(
            *(
                Query.exists_query(fields.column(field, path))
                for field in (fields.TEXT, fields.NUMBER, fields.TIME)
            ),
            self._term(fields.MARKS, mark_null(dotted)),
            self._term(fields.MARKS, mark_container(dotted)),
        )

    def _one_of(self, path: Path, values: tuple[Scalar, ...]) -> Query:
        texts = [encode_text(value) for value in values if isinstance(value, str)]
        if len(texts) <= _FEW:
            return _any(*(self._equals(path, value) for value in values))
        others = (self._equals(path, value) for value in values if not isinstance(value, str))
        column = fields.column(fields.TEXT, path)
        return _any(Query.term_set_query(self._schema, column, texts), *others)

    def _equals(self, path: Path, value: Scalar) -> Query:
        match value:
            case Moment(ms):
                return self._term(fields.column(fields.TIME, path), ms)
            case str():
                return self._term(fields.column(fields.TEXT, path), encode_text(value))
            case bool():
                return self._term(fields.column(fields.NUMBER, path), value)
            case _:
                number = encode_large(value) if is_large(value) else plain_number(value)
                return self._term(fields.column(fields.NUMBER, path), number)

    def _compares(self, path: Path, comparison: Comparison, value: float | str | Moment) -> Query:
        match value:
            case Moment(ms):
                return self._range(fields.TIME, path, comparison, str(ms))
            case str():
                return self._range(fields.TEXT, path, comparison, encode_text(value))
            case _:
                return self._compares_number(path, comparison, value)

    def _compares_number(self, path: Path, comparison: Comparison, value: float) -> Query:
        """Large numbers are all above, or all below, the others."""
        if not is_large(value):
            return _any(
                self._range(fields.NUMBER, path, comparison, _decimal(value)),
                self._range(fields.NUMBER, path, comparison, BETWEEN_LARGE),
            )
        large = self._range(fields.NUMBER, path, comparison, encode_large(value))
        if (comparison in _UPWARD) == (value > 0):
            return large
        others = self._range(fields.NUMBER, path, Comparison.GREATER, str(-LARGE))
        return _any(large, others)

    def _contains(self, condition: Contains) -> Query:
        if not condition.text:
            return Query.exists_query(fields.column(fields.TEXT, condition.path))
        return Query.regex_query(self._schema, fields.TEXT, term_pattern(condition))

    # --- what tantivy has

    def _term(self, field: str, value: Any) -> Query:
        return Query.const_score_query(
            Query.term_query(self._schema, field, value, index_option="basic"), 1.0
        )

    def _range(self, field: str, path: Path, comparison: Comparison, bound: str) -> Query:
        return self._index.parse_query(
            f"{fields.column(field, path)}:{_RANGES[comparison] % bound}"
        )


def is_costly(condition: Condition) -> bool:
    """Whether it takes longer than others may wait: it asks for a substring, or names very many values."""
    return any(
        seeks_substring(leaf) or (isinstance(leaf, OneOf) and len(leaf.values) > _VERY_MANY)
        for leaf in _leaves(condition)
    )


def _leaves(condition: Condition) -> Iterator[OnProperty | OnEvent]:
    match condition:
        case Not(inner):
            yield from _leaves(inner)
        case AllOf(conditions) | AnyOf(conditions):
            for each in conditions:
                yield from _leaves(each)
        case _:
            yield condition


def _any(*queries: Query) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _decimal(number: float) -> str:
    """Without an exponent: the grammar takes none that is negative."""
    return format(Decimal(repr(plain_number(number))), "f")


def _item_mark(path: str, value: Scalar) -> str:
    match value:
        case Moment(ms):
            return mark_time_item(path, ms)
        case str():
            return mark_text_item(path, value)
        case bool():
            return mark_boolean_item(path, value)
        case _:
            return mark_number_item(path, value)
