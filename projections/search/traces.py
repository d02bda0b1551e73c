"""What the files of an index still know of a person, deleted profiles included (contract §8).

tantivy counts the profiles of a term without regard to deletions: as long as a deleted profile's bytes are in a file,
its terms are counted.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tantivy import Index

from projections.search import fields
from projections.search.encoding import encode_text
from projections.search.integrity import DamagedIndex

Trace = tuple[str, int]
"""What it is in words, and of how many profiles, deleted ones and earlier states included."""


def traces(folder: Path, ids: Iterable[str], uid: str | None, email: str | None) -> list[Trace]:
    """The terms of a person in one generation; `email` is folded. Raises `DamagedIndex`."""
    try:
        searcher = Index.open(str(folder)).searcher()
        found = [(what, searcher.doc_freq(at, term)) for what, at, term in _terms(ids, uid, email)]
    except (OSError, ValueError) as error:
        raise DamagedIndex(f"{folder.name}: {type(error).__name__}") from None
    return [(what, number) for what, number in found if number]


def _terms(
    ids: Iterable[str], uid: str | None, email: str | None
) -> Iterator[tuple[str, str, str]]:
    """(what, field, term)"""
    for id_ in ids:
        yield "profile id", fields.ID, id_
    if uid is not None:
        yield "uid", f"{fields.TEXT}.uid", encode_text(uid)
    if email is not None:
        yield "email", f"{fields.TEXT}.email", encode_text(email)
