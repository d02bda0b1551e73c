"""A page of an account's companies, the newest first (contract §10)."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from projections.companies import Company
from schemas.errors import Unprocessable
from schemas.identity import is_id
from schemas.search.cursors import Place, decode_cursor, encode_cursor
from schemas.search.request import DEFAULT_LIMIT, parse_limit, parse_moment
from streams.clock import now
from streams.node import Node

_FIRST_ID: Final = "0" * 24
_LAST_ID: Final = "f" * 24


class Page(NamedTuple):
    """Companies, and the cursor behind the last of them; None at the end."""

    companies: list[Company]
    limit: int
    before: str | None


def read_page(node: Node, account: str, given: Mapping[str, object]) -> Page:
    """The page that `limit`, `before` and `after` name. Raises `Unprocessable`."""
    if "filters" in given or "filters_op" in given:
        raise Unprocessable("filters: a list of companies takes limit, before and after only")
    limit = parse_limit(given.get("limit", DEFAULT_LIMIT))
    before = _place(node, account, given, "before", _FIRST_ID)
    after = _place(node, account, given, "after", _LAST_ID)
    found = list(islice(node.companies.newest(account, before, after), limit + 1))
    shown = found[:limit]
    more = len(found) > limit
    return Page(shown, limit, encode_cursor(shown[-1].place, account) if more else None)


def _place(
    node: Node, account: str, given: Mapping[str, object], name: str, id_: str
) -> Place | None:
    """The place that a cursor, a company's id or a timestamp says; `id_` is that of a mere timestamp."""
    value: Any = given.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        company = node.companies.get(value, account) if is_id(value) else None
        place = decode_cursor(value, account) if company is None else company.place
        if place is not None:
            return place
    moment = parse_moment(value, now())
    if moment is None:
        raise Unprocessable(
            f"{name}: send the cursor of an answer to this account, a company's id or a timestamp"
        )
    return Place(moment.ms, id_)
