"""What is in requests and answers, as JSON Schema: the components of the OpenAPI document (contract §2 to §13)."""

from typing import Any, Final

Schema = dict[str, Any]

ID: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
TIMESTAMP: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
UID: Final[Schema] = {"type": ["integer", "string"]}
_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def obj(required: dict[str, Schema], /, **optional: Schema) -> Schema:
    """An object with these members, and perhaps others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def or_null(kind: str, **more: Any) -> Schema:
    return {"type": [kind, "null"], **more}


_KIND: Final[Schema] = {"enum": ["profile", "company"]}
_EXPAND: Final = obj(
    {},
    profile={"enum": ["all", "min", "skip"]},
    company={"enum": ["all", "min", "skip"]},
    events={"enum": ["all", "min", "skip"]},
)
_CURSOR: Final = obj({"limit": {"type": "integer"}}, before=_TEXT)
_BATCH_OPTIONS: Final = {
    "on_model_missing": {"enum": ["create", "ignore"]},
    "account_secret": _TEXT,
}
_PAGE: Final = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 500},
    "before": _TEXT,
    "after": _TEXT,
}

_FAILURES: Final = {"errors": array(ref("ItemError")), "errors_left_out": _COUNT}

SCHEMAS: Final[dict[str, Schema]] = {
    "Error": obj(
        {"code": {"type": "integer"}, "messages": {**array(_TEXT), "minItems": 1}}, wait=_COUNT
    ),
    "ItemError": obj({"code": {"type": "integer"}, "index": _COUNT, "message": _TEXT}),
    "Account": obj({"account": obj({"id": ID}), "user": obj({"id": ID})}),
    # Whatever was sent is there too, at the top level.
    "Profile": obj(
        {"id": ID},
        uid=UID,
        created_at=TIMESTAMP,
        updated_at=TIMESTAMP,
        email=or_null("string"),
        company_id=ID,
        company=obj({"id": ID}),
        percent={"type": "number", "minimum": 0, "maximum": 100},
        browser_x=or_null("number"),
        browser_tz=or_null("number"),
        browser_l=or_null("string"),
        browser_n=or_null("string"),
        browser_k=or_null("string"),
        last_seen_at=or_null("string"),
        last_seen_session_count=or_null("integer"),
        delivery_ids=or_null("array"),
        last_cleared_at=TIMESTAMP,
    ),
    "Company": obj({"id": ID}, uid=UID, created_at=TIMESTAMP, updated_at=TIMESTAMP),
    "ProfileAnswer": obj({"profile": ref("Profile")}),
    "ProfilesAnswer": obj({"profiles": array(ref("Profile")), "cursor": _CURSOR}),
    "CountAnswer": obj({"count": _COUNT}),
    "CompanyAnswer": obj({"company": ref("Company")}),
    "CompaniesAnswer": obj({"companies": array(ref("Company")), "cursor": _CURSOR}),
    "ProfileWritten": obj({"profile": obj({"id": ID})}, ignored=array(_TEXT)),
    "CompanyWritten": obj({"company": obj({"id": ID})}, ignored=array(_TEXT)),
    "EventWritten": obj({"event": obj({"id": ID})}, ignored=array(_TEXT)),
    "BatchReceived": obj({"batch": obj({"id": ID})}, **_FAILURES),
    "BatchStatus": obj(
        {
            "batch": obj(
                {
                    "id": ID,
                    "created_at": TIMESTAMP,
                    "received": _COUNT,
                    "accepted": _COUNT,
                    "skipped": _COUNT,
                    "failed": _COUNT,
                    "applied": {"type": "boolean"},
                }
            )
        }
    ),
    "Forgotten": obj({"profile": obj({"id": ID}), "deletion": obj({"id": ID})}),
    "ManyForgotten": obj(
        {"deletions": array(obj({"id": ID, "profile": obj({"id": ID})}))},
        **_FAILURES,
    ),
    "CompanyDeleted": obj(
        {"deletion": obj({"id": ID})},
        deletions=array(obj({"id": ID, "profile": obj({"id": ID})})),
    ),
    "Deletion": obj(
        {
            "id": ID,
            "status": {"enum": ["accepted", "tombstoned", "purged", "overdue"]},
            "events": _COUNT,
            "requested_at": TIMESTAMP,
        },
        expected_by=TIMESTAMP,
        tombstoned_at=or_null("string"),
        purged_at=or_null("string"),
        bytes=_COUNT,
        reason=_TEXT,
    ),
    "DeletionAnswer": obj({"deletion": ref("Deletion")}),
    "DeletionsAnswer": obj({"deletions": array(ref("Deletion")), "cursor": _CURSOR}),
    "Event": obj(
        {
            "id": _TEXT,
            "type": _TEXT,
            "at": TIMESTAMP,
            "position": obj({"partition": _COUNT, "offset": _COUNT}),
            "changes": {
                "type": "object",
                "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2},
            },
        },
        passed_over={"enum": ["duplicate", "too_large"]},
    ),
    "History": obj({"events": array(ref("Event")), "cursor": _CURSOR}),
    "Export": obj(
        {
            "export": obj(
                {
                    "profile": ref("Profile"),
                    "history": array(ref("Event")),
                    "events": {"type": "object"},
                    "company": {"anyOf": [ref("Company"), {"type": "null"}]},
                }
            )
        }
    ),
    "Property": obj(
        {
            "id": ID,
            "name": _TEXT,
            "prop": _TEXT,
            "kind": _KIND,
            "types": array(
                {"enum": ["string", "number", "boolean", "timestamp", "array", "hash", "null"]}
            ),
            "values": {**array({"type": ["string", "number", "boolean"]}), "maxItems": 10},
            "description": or_null("string"),
            "created_at": or_null("string"),
            "updated_at": or_null("string"),
            "last_seen_at": or_null("string"),
        }
    ),
    "PropertyAnswer": obj({"property": ref("Property")}),
    "PropertiesAnswer": obj(
        {
            "properties": array(ref("Property")),
            "cursor": obj({"limit": {"type": "integer"}}, before=_TEXT, after=_TEXT),
        }
    ),
    "EventName": obj(
        {
            "id": ID,
            "name": _TEXT,
            "uid": _TEXT,
            "kind": {"const": "tracked"},
            "last_seen_at": or_null("string"),
        }
    ),
    "EventNamesAnswer": obj({"event_names": array(ref("EventName")), "cursor": _CURSOR}),
    "EmptyList": {
        **obj({"cursor": _CURSOR}),
        "additionalProperties": {"type": "array", "maxItems": 0},
    },
    "Health": obj({"status": _TEXT}),
    "Ready": obj(
        {"status": _TEXT},
        deletions=obj({"open": _COUNT, "first": TIMESTAMP, "last": TIMESTAMP}),
        warnings=array(_TEXT),
        stopped=array(obj({"topic": _TEXT, "partition": _COUNT, "offset": _COUNT, "error": _TEXT})),
    ),
    # ------------------------------------------------------------------ requests
    "Secret": obj({}, account_secret=_TEXT),
    "ProfileUpsert": obj(
        {},
        uid=UID,
        id=ID,
        email=or_null("string"),
        company_id=or_null("string"),
        company_uid={"type": ["integer", "string", "null"]},
        account_secret=_TEXT,
    ),
    "CompanyUpsert": obj({}, uid=UID, id=ID, account_secret=_TEXT),
    "TrackedEvent": obj({"name": _TEXT}, uid=UID, id=ID, email=_TEXT, account_secret=_TEXT),
    "ProfileBatch": obj({"profiles": array(ref("ProfileUpsert"))}, **_BATCH_OPTIONS),
    "CompanyBatch": obj({"companies": array(ref("CompanyUpsert"))}, **_BATCH_OPTIONS),
    "EventBatch": obj({"events": array(ref("TrackedEvent"))}, **_BATCH_OPTIONS),
    "Identifiers": obj(
        {}, id=ID, uid=UID, email=_TEXT, as_of=_TEXT, expand=_EXPAND, account_secret=_TEXT
    ),
    "Expansion": obj({}, as_of=_TEXT, expand=_EXPAND, account_secret=_TEXT),
    "Filter": {
        "oneOf": [
            obj(
                {"kind": {"enum": ["property", "event"]}, "prop": _TEXT, "op": _TEXT},
                value={},
            ),
            obj(
                {"kind": {"const": "group"}, "filters": array(ref("Filter"))},
                filters_op={"enum": ["and", "or"]},
            ),
        ]
    },
    "Count": obj(
        {},
        filters=array(ref("Filter")),
        filters_op={"enum": ["and", "or"]},
        before=_TEXT,
        after=_TEXT,
        account_secret=_TEXT,
    ),
    "Search": obj(
        {},
        filters=array(ref("Filter")),
        filters_op={"enum": ["and", "or"]},
        expand=_EXPAND,
        account_secret=_TEXT,
        **_PAGE,
    ),
    "PropertyWords": obj(
        {}, name=or_null("string"), description=or_null("string"), account_secret=_TEXT
    ),
    "PropertyDescribed": obj(
        {"kind": _KIND},
        prop=or_null("string"),
        name=or_null("string"),
        description=or_null("string"),
        account_secret=_TEXT,
    ),
    "ToForget": obj(
        {"profiles": array(obj({}, uid=UID, id=ID, email=_TEXT))}, account_secret=_TEXT
    ),
    "ToFollow": obj(
        {},
        types=_TEXT,
        props=_TEXT,
        last_event_id=_TEXT,
        account_secret=_TEXT,
        **{"from": {"enum": ["now", "start"]}},
    ),
}
