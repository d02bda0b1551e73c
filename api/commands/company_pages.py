"""A page of an account's companies, the newest first, and how many there are (contract §10)."""

from collections.abc import Iterable, Mapping, Set
from itertools import islice
from typing import Any, Final, NamedTuple

from api.commands.company_filters import CompanyFilters
from api.commands.pacing import paced
from projections.companies.fold import Company
from schemas.errors import Unprocessable
from schemas.identity import is_id
from schemas.search.conditions import EVERYBODY, Condition
from schemas.search.cursors import SortKey, decode_cursor, encode_cursor
from schemas.search.parameters import SEARCH, check_names
from schemas.search.request import (
    DEFAULT_LIMIT,
    parse_company_filters,
    parse_limit,
    parse_moment,
)
from streams.clock import now
from streams.node import Node

_FIRST_ID: Final = "0" * 24
_LAST_ID: Final = "f" * 24


class Page(NamedTuple):
    """Companies, and the cursor behind the last of them; None at the end."""

    companies: list[Company]
    limit: int
    before: str | None


async def read_page(
    node: Node, filters: CompanyFilters, account: str, given: Mapping[str, object]
) -> Page:
    """The page that `filters`, `filters_op`, `limit`, `before` and `after` name.

    Raises `Unprocessable`, also for other parameters, and `Unavailable` when too many ask for filters at once.
    """
    condition, limit, before, after = _parse(node, account, given)
    companies = node.companies.newest(account, before, after)
    if condition == EVERYBODY:
        found = list(islice(companies, limit + 1))
    else:
        found = await _first(companies, await filters.meeting(account, condition), limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return Page(shown, limit, encode_cursor(shown[-1].sort_key, account) if more else None)


async def count_companies(
    node: Node, filters: CompanyFilters, account: str, given: Mapping[str, object]
) -> int:
    """How many companies all pages of the same list have together. Raises like `read_page`."""
    condition, _, before, after = _parse(node, account, given)
    if condition == EVERYBODY:
        return node.companies.count(account, before, after)
    meeting = await filters.meeting(account, condition)
    if before is None and after is None:
        return len(meeting)
    found = 0
    async for company in paced(node.companies.newest(account, before, after)):
        found += company.id in meeting
    return found


def _parse(
    node: Node, account: str, given: Mapping[str, object]
) -> tuple[Condition, int, SortKey | None, SortKey | None]:
    """The condition, the limit, and the sort keys between which the companies are. Raises `Unprocessable`."""
    check_names(given, SEARCH)
    return (
        parse_company_filters(given, now()),
        parse_limit(given.get("limit", DEFAULT_LIMIT)),
        _place(node, account, given, "before", _FIRST_ID),
        _place(node, account, given, "after", _LAST_ID),
    )


async def _first(companies: Iterable[Company], ids: Set[str], limit: int) -> list[Company]:
    """The first `limit` of the companies that have one of these ids."""
    found: list[Company] = []
    wanted = min(limit, len(ids))
    if wanted == 0:
        return found
    async for company in paced(companies):
        if company.id in ids:
            found.append(company)
            if len(found) == wanted:
                break
    return found


def _place(
    node: Node, account: str, given: Mapping[str, object], name: str, id_: str
) -> SortKey | None:
    """The sort key that a cursor, a company's id or a timestamp says; `id_` is that of a mere timestamp."""
    value: Any = given.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        company = node.companies.get(value, account) if is_id(value) else None
        sort_key = decode_cursor(value, account) if company is None else company.sort_key
        if sort_key is not None:
            return sort_key
    moment = parse_moment(value, now())
    if moment is None:
        raise Unprocessable(
            f"{name}: send the cursor of an answer to this account, a company's id or a timestamp"
        )
    return SortKey(moment.ms, id_)
