"""What JSON Schemas are built of, and the named shapes that requests and answers share (contract §2 to §13).

Three rules keep generated clients whole. Whatever several shapes use has a name, unions too: a client then has one
type for it. Where properties are free, `additionalProperties` is true: some generators drop them otherwise. What may
be left out of a request is not nullable, though null is taken: some generators send null for what was left out, and
that would clear an email or end a membership. `$unset` does the same, and is a text.
"""

from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
TIMESTAMP: Final[Schema] = {"type": "string", "format": "date-time"}
"""A time that the service answers: `2029-04-07T12:18:00.000Z` (contract §5)."""


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def obj(required: dict[str, Schema], /, **optional: Schema) -> Schema:
    """An object with these members; later versions may have others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
    }


def closed(required: dict[str, Schema], /, **optional: Schema) -> Schema:
    """An object with these members and no others."""
    return {**obj(required, **optional), "additionalProperties": False}


def free(description: str, required: dict[str, Schema], /, **optional: Schema) -> Schema:
    """An object with these members and any properties beside them."""
    return {
        "description": description,
        **obj(required, **optional),
        "additionalProperties": True,
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def choice(*texts: str) -> Schema:
    return {"type": "string", "enum": list(texts)}


def or_null(schema: Schema) -> Schema:
    """The schema, of one type, or null."""
    return {**schema, "type": [schema["type"], "null"]}


ID: Final = ref("Id")
UID: Final = ref("Uid")
VALUE: Final = ref("PropertyValue")

SHARED: Final[dict[str, Schema]] = {
    "Id": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
    "Uid": {
        "description": "Your own id of a user or company: an integer, or a text of 1 to 768 bytes.",
        "anyOf": [{"type": "string"}, {"type": "integer"}],
    },
    "PropertyValue": {
        "description": (
            "Any JSON value: a text, number, boolean or null, an array of these, or an object of them."
        ),
    },
    "Scalar": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]},
    "Form": choice("all", "min", "skip"),
    "FiltersOp": choice("and", "or"),
    "PropertyKind": choice("profile", "company"),
    "Reference": obj({"id": ID}),
}
"""Named shapes of both directions, by name."""
