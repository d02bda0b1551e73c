"""The documents that clients and consumers are generated from (contract §13)."""

import re
import warnings
from collections.abc import Iterator
from typing import Any, Final, cast, get_args

import pytest
from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning

from api.app import CONTROLLERS
from api.documents.asyncapi import asyncapi
from api.documents.openapi import SCHEMAS, openapi
from api.documents.operations import OPERATIONS
from api.documents.requests import REQUESTS
from api.incoming import Incoming
from schemas.errors import RequestError
from schemas.events import CompanyEvent, ProfileEvent
from streams.log.topics import Topics
from tests.support.references import broken_references


def _openapi() -> dict[str, Any]:
    with warnings.catch_warnings():
        # How handlers take their parameters is not what is tested.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        app = Litestar(
            CONTROLLERS, request_class=Incoming, openapi_config=None, logging_config=None
        )
    return openapi(app)


TOPICS: Final = Topics(3, "test-")
OPENAPI: Final = _openapi()
HOOKS: Final = [name for name in OPERATIONS if name.startswith("POST /v3/observe/hooks/")]
FREE: Final = (
    "Profile",
    "Company",
    "EventProperties",
    "ProfileUpsert",
    "CompanyUpsert",
    "TrackedEvent",
)


def test_every_status_of_the_contract_is_declared_somewhere() -> None:
    declared = {status for each in OPERATIONS.values() for status in (*each.answers, *each.errors)}

    assert declared >= {kind.code for kind in RequestError.__subclasses__()}
    assert declared >= {200, 201, 202, 429}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_whoever_needs_a_secret_may_be_refused_and_for_the_body_that_holds_it_too(
    name: str,
) -> None:
    operation = OPERATIONS[name]

    assert operation.secret == (403 in operation.errors)
    assert operation.secret == (400 in operation.errors)
    assert operation.body is None or operation.body in SCHEMAS


# ---------------------------------------------------------------------- what generators need


def test_every_operation_has_a_name_of_its_own_that_a_client_can_call_it_by() -> None:
    names = [operation["operationId"] for operation in _operations()]

    assert len(set(map(str.lower, names))) == len(names)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_listed_in_both_path_forms(name: str) -> None:
    path = name.removeprefix("POST ")
    other = path.replace("/hooks/", "/hooks/{account_secret}/")

    plain, secret_in_path = (OPENAPI["paths"][each]["post"] for each in (path, other))

    assert secret_in_path["requestBody"] == plain["requestBody"]
    assert secret_in_path["responses"] == plain["responses"]
    assert [each["name"] for each in secret_in_path["parameters"] if each["in"] == "path"] == [
        "account_secret"
    ]
    assert secret_in_path["security"] == []


@pytest.mark.parametrize("name", FREE)
def test_free_properties_are_declared(name: str) -> None:
    assert SCHEMAS[name]["additionalProperties"] is True


def test_every_array_says_what_its_items_are() -> None:
    untyped = [
        part for part in _schemas(OPENAPI) if "array" in _types(part) and not part.get("items")
    ]

    assert untyped == []


def test_every_enumeration_says_its_type() -> None:
    untyped = [part for part in _schemas(OPENAPI) if "enum" in part and "type" not in part]

    assert untyped == []


def test_every_union_has_a_name() -> None:
    named = SCHEMAS.values()
    unions = [
        part
        for part in _schemas(OPENAPI)
        if len(_alternatives(part)) > 1 and not any(part is each for each in named)
    ]

    assert unions == []


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_nothing_that_may_be_left_out_of_a_request_is_null_by_default(name: str) -> None:
    members = REQUESTS[name].get("properties", {})

    assert [each for each, schema in members.items() if "null" in _types(schema)] == []


def test_every_reference_of_openapi_leads_somewhere_and_every_shape_is_used() -> None:
    used = set(re.findall(r"#/components/schemas/(\w+)", str(OPENAPI)))

    assert broken_references(OPENAPI) == set()
    assert set(SCHEMAS) == used


def _operations() -> Iterator[dict[str, Any]]:
    for operations in OPENAPI["paths"].values():
        yield from operations.values()


def _schemas(part: object) -> Iterator[dict[str, Any]]:
    """Every object of the document, outermost first."""
    if isinstance(part, dict):
        members = cast("dict[str, Any]", part)
        yield members
        for member in members.values():
            yield from _schemas(member)
    elif isinstance(part, list):
        for member in cast("list[object]", part):
            yield from _schemas(member)


def _types(schema: dict[str, Any]) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else list(given)


def _alternatives(schema: dict[str, Any]) -> list[object]:
    """What a union is of, null left out."""
    given = schema.get("anyOf") or schema.get("oneOf") or schema.get("type")
    alternatives = cast("list[object]", given) if isinstance(given, list) else []
    return [each for each in alternatives if each not in ("null", {"type": "null"})]


# ---------------------------------------------------------------------- topics


def test_every_event_is_a_message_with_its_version() -> None:
    messages = asyncapi(TOPICS)["components"]["messages"]

    for kind in (*get_args(ProfileEvent), *get_args(CompanyEvent)):
        message = messages[kind.__name__]
        assert message["name"] == kind.__struct_config__.tag
        assert message["x-version"] == 1
        assert message["summary"]


def test_the_topics_are_those_of_the_deployment() -> None:
    channels = asyncapi(TOPICS)["channels"]

    assert channels["profiles"]["address"] == "test-profiles"
    assert channels["profiles"]["bindings"]["kafka"]["partitions"] == 3
    assert {each["address"] for each in channels.values()} == set(TOPICS.sizes()) - {
        TOPICS.progress
    }


def test_every_reference_leads_somewhere() -> None:
    assert broken_references(asyncapi(TOPICS)) == set()
