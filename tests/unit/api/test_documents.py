"""The documents that clients and consumers are generated from (contract §13)."""

from typing import Final, get_args

import pytest

from api.documents.asyncapi import asyncapi
from api.documents.operations import OPERATIONS
from api.documents.shapes import SCHEMAS
from schemas.errors import RequestError
from schemas.events import CompanyEvent, ProfileEvent
from streams.topics import Topics
from tests.support.references import broken_references

TOPICS: Final = Topics(3, "test-")


def test_every_status_of_the_contract_is_declared_somewhere() -> None:
    declared = {status for each in OPERATIONS.values() for status in (*each.answers, *each.errors)}

    assert declared >= {kind.code for kind in RequestError.__subclasses__()}
    assert declared >= {200, 201, 202}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_whoever_needs_a_secret_may_be_refused_and_whoever_sends_a_body_too(name: str) -> None:
    operation = OPERATIONS[name]

    assert operation.secret == (403 in operation.errors)
    assert (operation.body is None) == (400 not in operation.errors)
    assert operation.body is None or operation.body in SCHEMAS


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
