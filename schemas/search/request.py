"""A search, put together from the parameters of a request (contract §6)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.errors import InvalidValue, Unprocessable
from schemas.expansion import Expand, asked_expand, parse_expand
from schemas.identity import is_id
from schemas.normalization import normalize_scalar
from schemas.search.conditions import Condition, Moment, inside
from schemas.search.cursors import SortKey, decode_cursor
from schemas.search.grammar import parse_filters
from schemas.search.meaning import about_companies, condition_of
from schemas.search.parameters import SEARCH, check_names
from schemas.timestamps import parse_stored_timestamp

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500


class ProfileId(NamedTuple):
    """A bound that a profile gives: its sort key is to be read from its document."""

    id: str


Bound = SortKey | Moment | ProfileId


class SearchRequest(NamedTuple):
    """A page of the profiles for which `condition` holds, newest created first.

    `before` and `after` both leave out what they name: a page holds what was created before the
    one and after the other.
    """

    condition: Condition
    limit: int
    before: Bound | None
    after: Bound | None
    expand: Expand


def parse_search(parameters: Mapping[str, object], account: str, now: int) -> SearchRequest:
    """The search that the parameters of a request spell (`parameters.joined`). `now` is in Unix milliseconds.

    Raises `Unprocessable`, naming where it stands, and for a parameter of another name.
    """
    check_names(parameters, SEARCH)
    return SearchRequest(
        condition=parse_count(parameters, now),
        limit=parse_limit(parameters.get("limit", DEFAULT_LIMIT)),
        before=_bound(parameters, "before", account, now),
        after=_bound(parameters, "after", account, now),
        expand=parse_expand(asked_expand(parameters)),
    )


def parse_count(parameters: Mapping[str, object], now: int) -> Condition:
    """The condition that the filters of a count, or of a search, are. Raises like `parse_search`."""
    return condition_of(parse_filters(parameters), now)


def parse_company_filters(parameters: Mapping[str, object], now: int) -> Condition:
    """What the filters ask of companies, of their own properties (contract §10). Raises like `parse_search`."""
    return inside(condition_of(about_companies(parse_filters(parameters)), now))


def parse_limit(value: object) -> int:
    """How many a page of a list shows, 1 to `MAX_LIMIT`. Raises `Unprocessable`."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if type(value) is not int or not 1 <= value <= MAX_LIMIT:
        raise Unprocessable(f"limit: send a whole number from 1 to {MAX_LIMIT}")
    return value


def _bound(parameters: Mapping[str, object], name: str, account: str, now: int) -> Bound | None:
    value = parameters.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        if is_id(value):
            return ProfileId(value)
        if (sort_key := decode_cursor(value, account)) is not None:
            return sort_key
    moment = parse_moment(value, now)
    if moment is None:
        raise Unprocessable(
            f"{name}: send the cursor of an answer to this account, a profile's id or a timestamp"
        )
    return moment


def parse_moment(value: object, now: int) -> Moment | None:
    """What contract §9 reads as a timestamp; None for anything else. `now` is in Unix milliseconds."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        stored = normalize_scalar(value, "created_at", now)
    except InvalidValue:
        return None
    ms = parse_stored_timestamp(stored) if isinstance(stored, str) else None
    return None if ms is None else Moment(ms)
