"""What is in requests, as JSON Schema (contract §3 to §13)."""

from typing import Any, Final, get_args

from api.documents.shapes import (
    ID,
    TEXT,
    UID,
    VALUE,
    Schema,
    array,
    choice,
    closed,
    free,
    obj,
    ref,
)
from schemas.search.operators import EventOp, PropertyOp

_LIMIT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 500}
_FILTERS: Final[dict[str, Schema]] = {
    "filters": array(ref("Filter")),
    "filters_op": ref("FiltersOp"),
}
_EXPAND: Final = ref("Expand")
_SECRET: Final[dict[str, Schema]] = {"account_secret": TEXT}
_BATCH: Final[dict[str, Schema]] = {"on_model_missing": choice("create", "ignore"), **_SECRET}
_UNSET_ENDS: Final = "`$unset` removes it, null stores null."
_UNSET_LEAVES: Final = "`$unset`, or null, ends the membership."
_ANY_OTHER: Final = (
    "Any other name is a property of yours: see PropertyValue. `$unset` as a value removes one."
)


def _described(schema: Schema, description: str) -> Schema:
    """In JSON Schema 2020-12, that of OpenAPI 3.1, a description may stand beside a reference."""
    return {**schema, "description": description}


def _filter(kind: str, ops: object) -> Schema:
    return obj(
        {"kind": {"type": "string", "const": kind}, "prop": TEXT, "op": choice(*get_args(ops))},
        value=VALUE,
    )


_WORDS: Final[dict[str, Schema]] = {
    "name": _described(TEXT, "null ends it."),
    "description": _described(TEXT, "null ends it."),
}
_FOLLOW: Final[dict[str, Any]] = {
    "types": TEXT,
    "props": TEXT,
    "from": ref("StreamStart"),
    "last_event_id": TEXT,
}

REQUESTS: Final[dict[str, Schema]] = {
    "Secret": closed({}, **_SECRET),
    "ProfileUpsert": free(
        _ANY_OTHER,
        {},
        uid=UID,
        id=ID,
        email=_described(TEXT, _UNSET_ENDS),
        company_id=_described(TEXT, _UNSET_LEAVES),
        company_uid=_described(UID, _UNSET_LEAVES),
        **_SECRET,
    ),
    "CompanyUpsert": free(_ANY_OTHER, {}, uid=UID, id=ID, **_SECRET),
    "TrackedEvent": free(
        "Any other name is a property of the event.",
        {"name": TEXT},
        uid=UID,
        id=ID,
        email=TEXT,
        **_SECRET,
    ),
    "ProfileBatch": obj({"profiles": array(ref("ProfileUpsert"))}, **_BATCH),
    "CompanyBatch": obj({"companies": array(ref("CompanyUpsert"))}, **_BATCH),
    "EventBatch": obj({"events": array(ref("TrackedEvent"))}, **_BATCH),
    "Expand": closed({}, profile=ref("Form"), company=ref("Form"), events=ref("Form")),
    "Identifiers": obj({}, id=ID, uid=UID, email=TEXT, as_of=TEXT, expand=_EXPAND, **_SECRET),
    "Expansion": obj({}, as_of=TEXT, expand=_EXPAND, **_SECRET),
    "PropertyFilter": _filter("property", PropertyOp),
    "EventFilter": _filter("event", EventOp),
    "GroupFilter": obj(
        {"kind": {"type": "string", "const": "group"}, "filters": array(ref("Filter"))},
        filters_op=ref("FiltersOp"),
    ),
    "Filter": {
        "oneOf": [ref("PropertyFilter"), ref("EventFilter"), ref("GroupFilter")],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {
                "property": "#/components/schemas/PropertyFilter",
                "event": "#/components/schemas/EventFilter",
                "group": "#/components/schemas/GroupFilter",
            },
        },
    },
    "Count": closed({}, **_FILTERS, before=TEXT, after=TEXT, **_SECRET),
    "Search": closed(
        {}, **_FILTERS, expand=_EXPAND, limit=_LIMIT, before=TEXT, after=TEXT, **_SECRET
    ),
    "PropertyWords": obj({}, **_WORDS, **_SECRET),
    "PropertyDescribed": obj({"kind": ref("PropertyKind")}, prop=TEXT, **_WORDS, **_SECRET),
    "ProfileNamed": obj({}, uid=UID, id=ID, email=TEXT),
    "ToForget": obj({"profiles": array(ref("ProfileNamed"))}, **_SECRET),
    "StreamStart": choice("now", "start"),
    "ToFollow": obj({}, **_FOLLOW, **_SECRET),
}
"""The shapes of requests, by name."""

PARAMETERS: Final[dict[str, Schema]] = {
    "filters": {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": array(ref("Filter")),
        "description": "An array of Filter as JSON. Brackets say the same: `filters[0][op]=eq`.",
    },
    "filters_op": ref("FiltersOp"),
    "limit": _LIMIT,
    "expand[profile]": ref("Form"),
    "expand[company]": ref("Form"),
    "expand[events]": ref("Form"),
    "from": ref("StreamStart"),
    "cascade": choice("profiles"),
    "kind": ref("PropertyKind"),
    "order": choice("created_at", "last_seen_at"),
    "id": ID,
}
"""The schemas of query parameters, by name; any other is a text."""

REQUIRED_PARAMETERS: Final = frozenset({"kind"})
