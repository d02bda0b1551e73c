"""Where an account's newest profiles begin: most first pages are found among these, without a look at all others.

A page of all asks for the order key of every profile that meets the condition: 5 ms for a million. Above a bound that
10,000 profiles of the account lie above, the same page takes 1 ms. Who meets a condition more seldom than that is
looked for a second time, among all.
"""

from typing import Final, NamedTuple

from tantivy import Order, Query, Searcher

from projections.search import fields

DEPTH: Final = 10_000


class _Bound(NamedTuple):
    """An order key, None where the account has fewer than `DEPTH` profiles; and how many the index had then."""

    key: int | None
    profiles: int


class Newest:
    """The bounds of one index; for any thread. A bound that is old is one of more, or of fewer, profiles."""

    def __init__(self) -> None:
        self._bounds: dict[str, _Bound] = {}

    def bound(self, searcher: Searcher, account: str, everybody: Query) -> int | None:
        """The order key above which the account's newest profiles lie; `everybody` are all of the account."""
        found = self._bounds.get(account)
        if found is None or abs(searcher.num_docs - found.profiles) > DEPTH:
            hits = searcher.search(
                everybody,
                1,
                count=False,
                order_by_field=fields.ORDER,
                order=Order.Desc,
                offset=DEPTH - 1,
            ).hits
            found = _Bound(hits[0][0] if hits else None, searcher.num_docs)
            self._bounds[account] = found
        return found.key
