"""A search index to test with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from projections.search.documents import Entry
from projections.search.index import SearchIndex
from schemas.timestamps import format_timestamp
from tests.support.search_inputs import NOW

ORIGIN = "this log"


def complete_index(root: Path) -> SearchIndex:
    """An index that is open for searches, and empty when it is new."""
    index = SearchIndex(root, ORIGIN)
    if not index.is_complete:
        index.begin_rebuild()
        index.finish_rebuild()
    return index


def profile(
    id_: str,
    created: int = NOW,
    account: str = "account",
    partition: int = 0,
    offset: int = 0,
    **properties: Any,
) -> Entry:
    """A profile to be indexed; `created` in Unix milliseconds."""
    at = format_timestamp(created)
    document = {"id": id_, "uid": id_, "created_at": at, "updated_at": at, **properties}
    return Entry(id_, account, msgspec.json.encode(document), partition, offset)


def upsert(index: SearchIndex, entries: Sequence[Entry]) -> None:
    """Index profiles, visibly."""
    for entry in entries:
        index.upsert(entry)
    index.commit()
