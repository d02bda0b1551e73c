"""List properties, and describe them (contract §10)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from msgspec import UNSET, UnsetType

from api.commands.event_names import page_begin
from api.commands.pacing import paced
from api.commands.property_surveys import Known, PropertySurveys
from projections.properties.descriptions import Description
from schemas.errors import NotFound, Unprocessable
from schemas.events import PropertyDescribed
from schemas.identity import is_id
from schemas.normalization import check_text
from schemas.properties import KINDS, Kind, parse_kind, parse_prop, spelled
from schemas.property_limits import MAX_BYTES
from schemas.property_names import normalize_name
from schemas.search.parameters import PAGE, check_names
from schemas.search.request import parse_limit
from schemas.timestamps import format_timestamp
from streams.clock import now
from streams.node import Node

MAX_DESCRIPTION_BYTES: Final = 4096
MAX_DESCRIBED: Final = 10_000
"""Properties of an account that somebody described, of each kind."""

MAX_LISTED: Final = 10_000
"""Properties of an answer without a `limit`."""

_LISTED_BY: Final = ("kind", *PAGE, "order", "integration")
_ORDERS: Final = ("created_at", "last_seen_at")
_OWN_INTEGRATION: Final = (None, "", "api")  # all that is here came by the hooks

_NO_PROPERTY: Final = "No such property"


class PropertyPage(NamedTuple):
    """Properties as they are answered, by their names, and the last name where there are more behind it."""

    properties: list[dict[str, Any]]
    limit: int
    after: str | None


class Words(NamedTuple):
    """What is written about a property: None ends it, and what is not there stays as it is."""

    name: str | UnsetType | None
    description: str | UnsetType | None


# ---------------------------------------------------------------------- reading


async def list_properties(
    node: Node, surveys: PropertySurveys, account: str, given: Mapping[str, object]
) -> PropertyPage:
    """The page that `kind`, `limit` and `before` or `after` name; without `limit` all, up to `MAX_LISTED`.

    Raises `Unprocessable`, also for other parameters, and `Unavailable`.
    """
    check_names(given, _LISTED_BY)
    kind = _kind(given.get("kind"))
    limit = parse_limit(given["limit"]) if "limit" in given else MAX_LISTED
    after, order = page_begin(given), _order(given.get("order"))
    if given.get("integration") not in _OWN_INTEGRATION:
        return PropertyPage([], limit, None)
    described = node.companies.descriptions.of(account, kind)

    def choose(names: Iterable[str]) -> list[str]:
        return sorted(name for name in {*names, *described} if name > after)[: limit + 1]

    known = await surveys.survey(account, kind, choose)
    page = list(known)[:limit]
    shown = [
        _show(node, account, kind, prop, known[prop])
        async for prop in paced(page)
        if known[prop] is not None or prop in described
    ]
    if order is not None:
        shown.sort(key=lambda each: each[order] or "", reverse=True)
    return PropertyPage(shown, limit, page[-1] if len(known) > limit else None)


def _order(sent: object) -> str | None:
    if sent is None or sent in _ORDERS:
        return sent
    raise Unprocessable(
        "order: send `created_at` or `last_seen_at`, or nothing for the order of the names"
    )


async def show_property(
    node: Node, surveys: PropertySurveys, account: str, kind: Kind, prop: str
) -> dict[str, Any]:
    """One property as it is answered. Raises `Unavailable`."""
    known = await surveys.survey(account, kind, lambda _: [prop])
    return _show(node, account, kind, prop, known[prop])


async def find_property(
    node: Node, surveys: PropertySurveys, account: str, id_: str
) -> tuple[Kind, str]:
    """Which property has this id: one that is described, or that somebody has. Raises `NotFound`, `Unavailable`."""
    description = node.companies.descriptions.get(id_, account)
    if description is not None:
        return description.kind, description.prop
    for kind in KINDS if is_id(id_) else ():

        def choose(names: Iterable[str], kind: Kind = kind) -> list[str]:
            return [name for name in names if node.identity.property_id(account, kind, name) == id_]

        for prop, known in (await surveys.survey(account, kind, choose)).items():
            if known is not None:
                return kind, prop
    raise NotFound(_NO_PROPERTY)


def _show(node: Node, account: str, kind: Kind, prop: str, known: Known | None) -> dict[str, Any]:
    description = node.companies.descriptions.of(account, kind).get(prop)
    created = [known.created] if known is not None else []
    if description is not None:
        created.append(description.created)
    first = min(created, default=None)
    return {
        "id": node.identity.property_id(account, kind, prop),
        "name": _name(description) or spelled(prop),
        "prop": prop,
        "kind": kind,
        "description": None if description is None else description.text,
        "types": [] if known is None else known.types,
        "values": [] if known is None else known.values,
        "created_at": _time(first),
        "updated_at": _time(first if description is None else description.updated),
        "last_seen_at": _time(None if known is None else known.last),
    }


def _name(description: Description | None) -> str | None:
    return None if description is None else description.name


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_timestamp(ms)


# ---------------------------------------------------------------------- writing


def parse_property(sent: Mapping[str, object]) -> tuple[Kind, str]:
    """Which property a body names by `kind` and `prop`, or by its `name` alone. Raises `Unprocessable`."""
    kind = _kind(sent.get("kind"))
    named = sent.get("prop")
    if named is None:
        # No dot of a name reaches into a hash.
        name = sent.get("name")
        named = normalize_name(name) if isinstance(name, str) else None
    prop = parse_prop(named, kind)
    if prop is None:
        raise Unprocessable(
            "prop: send the name of a property, or names joined by dots as in address.city; "
            "without it `name` has to be one"
        )
    return kind, prop


def parse_words(sent: Mapping[str, object]) -> Words:
    """What a body says of a property. Raises `Unprocessable`."""
    words = Words(_text(sent, "name", MAX_BYTES), _text(sent, "description", MAX_DESCRIPTION_BYTES))
    if words == (UNSET, UNSET):
        raise Unprocessable("name: send a name or a description, or null to end one")
    return words


async def describe(
    node: Node, surveys: PropertySurveys, account: str, kind: Kind, prop: str, words: Words
) -> bool:
    """Write it down; returns whether nothing was written about the property before.

    Raises `Unprocessable`, and `Unavailable`, before anything is written where the answer could not be given.
    """
    surveys.check(kind)
    described = node.companies.descriptions.of(account, kind)
    if prop not in described and len(described) >= MAX_DESCRIBED:
        raise Unprocessable(
            f"prop: {MAX_DESCRIBED} properties are described; end some by null as `name` and `description`"
        )
    event = PropertyDescribed(
        account=account,
        at=now(),
        id=node.identity.property_id(account, kind, prop),
        kind=kind,
        prop=prop,
        name=words.name,
        description=words.description,
    )
    (verdict,) = await node.company_log.write([event])
    return verdict.outcome == "created"


def _kind(sent: object) -> Kind:
    kind = parse_kind(sent)
    if kind is None:
        raise Unprocessable("kind: send `profile` or `company`")
    return kind


def _text(sent: Mapping[str, object], name: str, limit: int) -> str | UnsetType | None:
    if name not in sent or sent[name] is None:
        return None if name in sent else UNSET
    value = sent[name]
    if (
        not isinstance(value, str)
        or not value.strip()
        or not check_text(value)
        or len(value.encode()) > limit
    ):
        raise Unprocessable(
            f"{name}: send 1 to {limit} bytes of text, no control character (below U+0020) in it, or null"
        )
    return value
