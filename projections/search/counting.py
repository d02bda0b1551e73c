"""How many profiles meet a condition, without finding out who they are.

A substring is looked for among the distinct values of its property's column: a third of what it costs among the index's
terms, which say who has them.
"""

from collections.abc import Iterator
from typing import Any

from tantivy import Query, Searcher

from projections.search import fields
from projections.search.generation import Generation
from projections.search.lowering import Lowering
from projections.search.substring import is_costly, text_pattern
from schemas.search.conditions import AllOf, AnyOf, Condition, Contains, Not


def count(generation: Generation, lowering: Lowering, condition: Condition) -> int:
    """How many profiles of the account that `lowering` is for meet the condition."""
    conditions = list(_conjuncts(condition))
    for place, each in enumerate(conditions):
        others = AllOf((*conditions[:place], *conditions[place + 1 :]))
        match each:
            case Contains() as sought if is_costly(sought):
                return _holding(*generation.snapshot(lowering.query(others)), sought)
            case Not(Contains() as sought) if is_costly(sought):
                searcher, others_left = generation.snapshot(lowering.query(others))
                return _all(searcher, others_left) - _holding(searcher, others_left, sought)
            case _:
                pass
    return _all(*generation.snapshot(lowering.query(condition)))


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


def _holding(searcher: Searcher, query: Query, sought: Contains) -> int:
    """How many of the query's profiles hold the substring. A profile has one text at a path, or none."""
    texts = {
        "field": fields.column(fields.TEXT, sought.path),
        "include": text_pattern(sought),
        "size": 1,
    }
    untyped: Any = searcher  # tantivy's stubs say dict, of whatever
    found = untyped.aggregate(query, {"texts": {"terms": texts}})["texts"]
    shown = sum(bucket["doc_count"] for bucket in found["buckets"])
    return shown + found["sum_other_doc_count"]
