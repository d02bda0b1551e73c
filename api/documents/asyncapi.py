"""AsyncAPI 3 of the topics, made of the very structs that are written and read."""

import inspect
from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec

from schemas.events import (
    UPCASTERS,
    Account,
    CompanyEvent,
    EmailClaimed,
    EmailWithdrawn,
    ProfileEvent,
)
from schemas.public import ACCOUNT_HEADER, Change
from streams.log.topics import Topics

_JSON: Final = "application/json"
_EVENT_KEY: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "a UUIDv7"}
_CLAIM_KEY: Final = {
    "type": "string",
    "pattern": "^[0-9a-f]{32}([.][0-9a-f]{32})?$",
    "description": "the claim's name and a UUIDv7; of former versions the name alone",
}
_ID: Final = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
_TOMBSTONE: Final = {
    "name": "tombstone",
    "title": "Tombstone",
    "summary": "What had this key is gone: of `profiles`, the profile is forgotten",
    "payload": {"type": "null"},
}


def asyncapi(topics: Topics) -> dict[str, Any]:
    """The document, for a deployment with these topics."""
    kinds: list[type[msgspec.Struct]] = [
        *get_args(ProfileEvent),
        EmailClaimed,
        EmailWithdrawn,
        Change,
        *get_args(CompanyEvent),
        Account,
    ]
    _, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    channels = {
        "profileEvents": _channel(topics, topics.events, "The truth", get_args(ProfileEvent)),
        "profileEmails": _channel(
            topics, topics.emails, "Claims to emails", (EmailClaimed, EmailWithdrawn)
        ),
        "profiles": _channel(topics, topics.profiles, "For consumers", (Change,)),
        "companyEvents": _channel(topics, topics.companies, "Companies", get_args(CompanyEvent)),
        "accounts": _channel(topics, topics.accounts, "Accounts", (Account,)),
    }
    messages = {kind.__name__: _message(kind, kind is Change) for kind in kinds}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "profilelog",
            "version": "3",
            "description": "Consume `profiles`, with isolation level read_committed; the other topics are internal.",
        },
        "defaultContentType": _JSON,
        "channels": channels,
        "operations": {
            f"{action}{name[0].upper()}{name[1:]}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
            }
            for name in channels
            for action in ("send", "receive")
            if (name, action) != ("profiles", "receive")
        },
        "components": {
            "messages": {**messages, "Tombstone": _TOMBSTONE},
            "schemas": {name: _cleaned(schema) for name, schema in components.items()},
        },
    }


def _channel(
    topics: Topics, topic: str, title: str, kinds: Sequence[type[msgspec.Struct]]
) -> dict[str, Any]:
    names = [*(kind.__name__ for kind in kinds), "Tombstone"]
    return {
        "address": topic,
        "title": title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "partitions": topics.sizes()[topic],
                "topicConfiguration": {"cleanup.policy": ["compact"]},
            }
        },
    }


def _message(kind: type[msgspec.Struct], public: bool) -> dict[str, Any]:
    tag = kind.__struct_config__.tag
    name = tag if isinstance(tag, str) else kind.__name__
    message: dict[str, Any] = {
        "name": name,
        "title": kind.__name__,
        "summary": inspect.cleandoc(kind.__doc__ or "").partition("\n")[0],
        "contentType": _JSON,
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "bindings": {"kafka": {"key": _key(kind)}},
        "x-version": len(UPCASTERS.get(name, ())) + 1,
    }
    if public:
        message["headers"] = {"type": "object", "properties": {ACCOUNT_HEADER: _ID}}
    return message


def _key(kind: type[msgspec.Struct]) -> dict[str, str]:
    if kind in (EmailClaimed, EmailWithdrawn):
        return _CLAIM_KEY
    return _ID if kind in (Change, Account) else _EVENT_KEY


def _cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    if "description" in schema:
        return {**schema, "description": inspect.cleandoc(schema["description"])}
    return schema
