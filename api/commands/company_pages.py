"""A page of an account's companies, the newest first (contract §10)."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from projections.companies import Company
from schemas.errors import Unprocessable
from schemas.identity import is_id
from schemas.normalization import InvalidProperty, normalize
from schemas.search.cursors import Place, decode_cursor, encode_cursor
from schemas.timestamps import parse_timestamp
from streams.clock import now
from streams.node import Node

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500

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
    limit = _limit(given.get("limit", DEFAULT_LIMIT))
    before = _place(node, account, given, "before", _FIRST_ID)
    after = _place(node, account, given, "after", _LAST_ID)
    found = list(islice(node.companies.newest(account, before, after), limit + 1))
    shown = found[:limit]
    more = len(found) > limit
    return Page(shown, limit, encode_cursor(shown[-1].place, account) if more else None)


def _limit(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if type(value) is not int or not 1 <= value <= MAX_LIMIT:
        raise Unprocessable(f"limit: send a whole number from 1 to {MAX_LIMIT}")
    return value


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
    moment = _moment(value)
    if moment is None:
        raise Unprocessable(
            f"{name}: send the cursor of an answer to this account, a company's id or a timestamp"
        )
    return Place(moment, id_)


def _moment(value: object) -> int | None:
    """Unix milliseconds of what contract §9 reads as a timestamp under a name in `_at`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        stored = normalize({"moment_at": value}, now()).properties.get("moment_at")
    except InvalidProperty:
        return None
    return parse_timestamp(stored) if isinstance(stored, str) else None
