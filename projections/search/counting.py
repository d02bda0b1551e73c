"""How many profiles meet a condition, without finding out who they are.

A substring is searched for among the distinct values of its property's column, and so is one of many texts: a third of
what it costs among the index's terms, which say who has them.
"""

from collections.abc import Iterator
from typing import Any, Final

from tantivy import Query, Searcher

from projections.search import fields
from projections.search.encoding import encode_text
from projections.search.lowering import Lowering
from projections.search.substring import seeks_substring, text_pattern
from projections.search.view import View
from schemas.search.conditions import AllOf, AnyOf, Condition, Contains, Not, OneOf, Path

_MANY: Final = 6000  # texts, from which on the column is sooner read as a whole


def count(view: View, lowering: Lowering, condition: Condition) -> int:
    """How many profiles of the account that `lowering` is for meet the condition."""
    conditions = list(_conjuncts(condition))
    for index, each in enumerate(conditions):
        sought = each.condition if isinstance(each, Not) else each
        if not isinstance(sought, Contains | OneOf) or (texts := _texts(sought)) is None:
            continue
        others = AllOf((*conditions[:index], *conditions[index + 1 :]))
        searcher, left = view.snapshot(lowering.query(others))
        found = _having(searcher, left, sought.path, texts)
        return _all(searcher, left) - found if isinstance(each, Not) else found
    return _all(*view.snapshot(lowering.query(condition)))


def _texts(condition: Contains | OneOf) -> str | list[str] | None:
    """What is found sooner among a column's values: a pattern of encoded texts, or many of them; else None."""
    match condition:
        case Contains():
            return text_pattern(condition) if seeks_substring(condition) else None
        case OneOf(_, values):
            texts = [encode_text(value) for value in values if isinstance(value, str)]
            return texts if len(texts) == len(values) >= _MANY else None


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    """What has to hold, each for itself, for the condition to hold."""
    match condition:
        case AllOf(conditions):
            for each in conditions:
                yield from _conjuncts(each)
        case AnyOf((only,)):
            yield from _conjuncts(only)
        case _:
            yield condition


def _all(searcher: Searcher, query: Query) -> int:
    # A limit of 0 panics; sorted by a column, no hit is scored.
    found: Any = searcher.search(query, 1, count=True, order_by_field=fields.ORDER)
    return found.count  # not in tantivy's stubs


def _having(searcher: Searcher, query: Query, path: Path, texts: str | list[str]) -> int:
    """How many of the query's profiles have one of the texts at the path. Each has one text there, or none."""
    terms = {"field": fields.column(fields.TEXT, path), "include": texts, "size": 1}
    untyped: Any = searcher  # tantivy's stubs say dict, of whatever
    found = untyped.aggregate(query, {"texts": {"terms": terms}})["texts"]
    shown = sum(bucket["doc_count"] for bucket in found["buckets"])
    return shown + found["sum_other_doc_count"]
