"""What the OpenAPI document says is what is answered, and nothing else is (contract §13)."""

# schemathesis is annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from api.documents.operations import EVENT_STREAM, OPERATIONS
from tests.support.references import broken_references
from tests.support.service import Account, Service

CHECKS: Final[list[Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES: Final = 12
# A stream does not end by itself; tests/contract/test_changes.py has its answers.
ASKED: Final = sorted(
    n for n, each in OPERATIONS.items() if EVENT_STREAM not in each.answers.values()
)


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    """The OpenAPI document, which needs no secret."""
    answer = service.http.get("/schema/openapi.json")
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture(scope="module")
def client(service: Service) -> Account:
    """An account of which anything may be written, cleared and forgotten."""
    return service.create_account("Schemathesis")


def test_asyncapi_needs_no_secret_either(service: Service) -> None:
    answer = service.http.get("/schema/asyncapi.json")

    assert answer.status_code == 200
    assert answer.json()["asyncapi"] == "3.0.0"


def test_every_route_has_an_operation_and_every_operation_a_route(document: dict[str, Any]) -> None:
    said = {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }

    assert sorted(said) == sorted(OPERATIONS)
    assert all(operation["responses"] for operation in said.values())
    assert all(operation["summary"] for operation in said.values())
    assert len({operation["operationId"] for operation in said.values()}) == len(said)
    assert broken_references(document) == set()


@pytest.mark.parametrize("name", ASKED)
def test_no_answer_is_undocumented(
    name: str, document: dict[str, Any], client: Account, service: Service
) -> None:
    method, path = name.split()
    operation = schemathesis.openapi.from_dict(document)[path][method]
    secret = {"X-Account-Secret": client.secret}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=service.url, headers=secret, checks=CHECKS)

    ask()
