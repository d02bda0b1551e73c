"""What is in answers, as JSON Schema (contract §2 to §15)."""

from typing import Final

from api.documents.shapes import (
    BOOLEAN,
    COUNT,
    ID,
    TEXT,
    TIMESTAMP,
    UID,
    VALUE,
    Schema,
    array,
    choice,
    free,
    obj,
    or_null,
    ref,
)

_REFERENCE: Final = ref("Reference")
_IGNORED: Final[dict[str, Schema]] = {"ignored": array(TEXT)}
_INTEGER: Final[Schema] = {"type": "integer"}
_NUMBER: Final[Schema] = {"type": "number"}
_ITEM_ERRORS: Final[dict[str, Schema]] = {
    "errors": array(ref("ItemError")),
    "errors_left_out": COUNT,
}

RESULTS: Final[dict[str, Schema]] = {
    "Error": obj({"code": _INTEGER, "messages": {**array(TEXT), "minItems": 1}}, wait=_NUMBER),
    "ItemError": obj({"code": _INTEGER, "index": COUNT, "message": TEXT}),
    "Cursor": obj({"limit": _INTEGER}, before=TEXT),
    "Account": obj({"account": _REFERENCE, "user": _REFERENCE}),
    "Profile": free(
        "Any other name is a property that was sent, normalized: see PropertyValue. With "
        "`expand[events]` the name `events` is a map of CountedEvent.",
        {"id": ID},
        uid=UID,
        created_at=TIMESTAMP,
        updated_at=TIMESTAMP,
        email=or_null(TEXT),
        company_id=ID,
        company=ref("Company"),
        percent={"type": "number", "minimum": 0, "maximum": 100},
        browser_x=or_null(_NUMBER),
        browser_tz=or_null(_NUMBER),
        browser_l=or_null(TEXT),
        browser_n=or_null(TEXT),
        browser_k=or_null(TEXT),
        last_seen_at=or_null(TIMESTAMP),
        last_seen_session_count=or_null(_INTEGER),
        delivery_ids=or_null(array(UID)),
        last_cleared_at=TIMESTAMP,
    ),
    "Company": free(
        "Any other name is a property that was sent, normalized: see PropertyValue.",
        {"id": ID},
        uid=UID,
        created_at=TIMESTAMP,
        updated_at=TIMESTAMP,
    ),
    "ProfileAnswer": obj({"profile": ref("Profile")}),
    "ProfilesAnswer": obj({"profiles": array(ref("Profile")), "cursor": ref("Cursor")}),
    "CountAnswer": obj({"count": COUNT}),
    "CompanyAnswer": obj({"company": ref("Company")}),
    "CompaniesAnswer": obj({"companies": array(ref("Company")), "cursor": ref("Cursor")}),
    "ProfileWritten": obj({"profile": _REFERENCE}, **_IGNORED),
    "CompanyWritten": obj({"company": _REFERENCE}, **_IGNORED),
    "EventWritten": obj({"event": _REFERENCE}, **_IGNORED),
    "BatchReceived": obj({"batch": _REFERENCE}, **_ITEM_ERRORS),
    "Batch": obj(
        {
            "id": ID,
            "created_at": TIMESTAMP,
            "received": COUNT,
            "accepted": COUNT,
            "skipped": COUNT,
            "failed": COUNT,
            "applied": BOOLEAN,
        }
    ),
    "BatchStatus": obj({"batch": ref("Batch")}),
    "Forgotten": obj({"profile": _REFERENCE, "deletion": _REFERENCE}),
    "ProfileDeletion": obj({"id": ID, "profile": _REFERENCE}),
    "ManyForgotten": obj({"deletions": array(ref("ProfileDeletion"))}, **_ITEM_ERRORS),
    "CompanyDeleted": obj({"deletion": _REFERENCE}, deletions=array(ref("ProfileDeletion"))),
    "Deletion": obj(
        {
            "id": ID,
            "status": choice("accepted", "tombstoned", "purged", "overdue"),
            "events": COUNT,
            "requested_at": TIMESTAMP,
            "expected_by": TIMESTAMP,
            "tombstoned_at": or_null(TIMESTAMP),
            "purged_at": or_null(TIMESTAMP),
        },
        bytes=COUNT,
        reason=TEXT,
    ),
    "DeletionAnswer": obj({"deletion": ref("Deletion")}),
    "DeletionsAnswer": obj({"deletions": array(ref("Deletion")), "cursor": ref("Cursor")}),
    "Position": obj({"partition": COUNT, "offset": COUNT}),
    "Change": {
        **array(VALUE),
        "minItems": 2,
        "maxItems": 2,
        "description": "The value from before and from after; null where there was none.",
    },
    "HistoryEvent": obj(
        {
            "id": TEXT,
            "type": TEXT,
            "at": TIMESTAMP,
            "position": ref("Position"),
            "changes": ref("Changes"),
        },
        passed_over=choice("duplicate", "too_large"),
    ),
    "Changes": {"type": "object", "additionalProperties": ref("Change")},
    "History": obj({"events": array(ref("HistoryEvent")), "cursor": ref("Cursor")}),
    "Occurrence": obj({"id": ID, "at": TIMESTAMP, "properties": ref("EventProperties")}),
    "EventProperties": free("The event's own properties, normalized.", {}),
    "CountedEvent": obj(
        {"count": COUNT, "first_at": TIMESTAMP, "last_at": TIMESTAMP},
        last=array(ref("Occurrence")),
    ),
    "CountedEvents": {"type": "object", "additionalProperties": ref("CountedEvent")},
    "Exported": obj(
        {
            "profile": ref("Profile"),
            "history": array(ref("HistoryEvent")),
            "events": ref("CountedEvents"),
            "company": {"anyOf": [ref("Company"), {"type": "null"}]},
        }
    ),
    "Export": obj({"export": ref("Exported")}),
    "ValueType": choice("string", "number", "boolean", "timestamp", "array", "hash", "null"),
    "KnownProperty": obj(
        {
            "id": ID,
            "name": TEXT,
            "prop": TEXT,
            "kind": ref("PropertyKind"),
            "types": array(ref("ValueType")),
            "values": {**array(ref("Scalar")), "maxItems": 10},
            "description": or_null(TEXT),
            "created_at": or_null(TIMESTAMP),
            "updated_at": or_null(TIMESTAMP),
            "last_seen_at": or_null(TIMESTAMP),
        }
    ),
    "PropertyCursor": obj({"limit": _INTEGER}, before=TEXT, after=TEXT),
    "PropertyAnswer": obj({"property": ref("KnownProperty")}),
    "PropertiesAnswer": obj(
        {"properties": array(ref("KnownProperty")), "cursor": ref("PropertyCursor")}
    ),
    "EventName": obj(
        {
            "id": ID,
            "name": TEXT,
            "uid": TEXT,
            "kind": {"type": "string", "const": "tracked"},
            "last_seen_at": or_null(TIMESTAMP),
        }
    ),
    "EventNamesAnswer": obj({"event_names": array(ref("EventName")), "cursor": ref("Cursor")}),
    "EmptyList": {
        **obj({"cursor": ref("Cursor")}),
        "additionalProperties": {**array(VALUE), "maxItems": 0},
    },
    "Health": obj({"status": TEXT}),
    "OpenDeletions": obj({"open": COUNT, "first": TIMESTAMP, "last": TIMESTAMP}),
    "Lag": obj({"waiting": COUNT, "seconds": _NUMBER}),
    "Behind": obj({}, published=ref("Lag"), indexed=ref("Lag")),
    "StoppedAt": obj({"topic": TEXT, "partition": COUNT, "offset": COUNT, "error": TEXT}),
    "Ready": obj(
        {"status": TEXT},
        deletions=ref("OpenDeletions"),
        behind=ref("Behind"),
        warnings=array(TEXT),
        stopped=array(ref("StoppedAt")),
    ),
}
"""The shapes of answers, by name."""
