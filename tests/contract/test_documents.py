"""What the OpenAPI document says is what is answered, and nothing else is (contract §13)."""

# schemathesis is annotated in part.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy, booleans, one_of
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from api.documents.operations import OPERATIONS
from tests.support.references import broken_references
from tests.support.service import Account, Service, marked

CHECKS: Final[list[Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HOOKS: Final = "POST /v3/observe/hooks/"
OPERATION_NAMES: Final = sorted(
    [
        *OPERATIONS,
        *(
            name.replace("/hooks/", "/hooks/{account_secret}/")
            for name in OPERATIONS
            if name.startswith(HOOKS)
        ),
    ]
)
# A stream does not end by itself; tests/contract/test_changes.py has its answers.
ASKED: Final = [name for name in OPERATION_NAMES if not name.endswith("/v3/observe/changes")]
EXAMPLES: Final = 10


def test_asyncapi_needs_no_secret_either(service: Service) -> None:
    answer = service.http.get("/schema/asyncapi.json")

    assert answer.status_code == 200
    assert answer.json()["asyncapi"] == "3.0.0"


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


def test_every_route_has_an_operation_and_every_operation_a_route(
    document: dict[str, Any],
) -> None:
    said = {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }

    assert sorted(said) == OPERATION_NAMES
    assert all(operation["responses"] for operation in said.values())
    assert all(operation["summary"] for operation in said.values())
    assert broken_references(document) == set()


@pytest.fixture(scope="module")
def interface(document: dict[str, Any]) -> Any:
    return schemathesis.openapi.from_dict(document)


@pytest.mark.parametrize("name", ASKED)
def test_no_answer_is_undocumented(
    name: str, interface: Any, client: Account, service: Service
) -> None:
    method, path = name.split()
    operation = interface[path][method]
    known = _known(client, path)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=_cases(operation), named=booleans())
    def ask(case: Any, named: bool) -> None:
        if named:
            case.path_parameters = {**(case.path_parameters or {}), **known}
        (case.headers or {}).pop("X-Min-Log-Position", None)  # a read would wait for it
        case.call_and_validate(
            base_url=service.url, headers={"X-Account-Secret": client.secret}, checks=CHECKS
        )

    ask()


def _cases(operation: Any) -> SearchStrategy[Any]:
    """Requests as the document says, and where it says anything of them, requests that are not so."""
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not operation.definition.raw["parameters"] and not operation.body:
        return cases
    return one_of(cases, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


def _known(client: Account, path: str) -> dict[str, str]:
    """What the parameters of a path may be, so that not every path leads to nothing."""
    makers: dict[str, Callable[[], str]] = {
        "account_secret": lambda: client.secret,
        "profile_id": lambda: client.known(uid=marked("uid")),
        "company_id": lambda: _made(client, "company", "/v3/observe/hooks/companies", uid=marked()),
        "batch_id": lambda: client.batch([{"uid": marked("uid")}]).json()["batch"]["id"],
        "property_id": lambda: _made(
            client, "property", "/v3/edit/properties", kind="profile", prop="plan", name="Plan"
        ),
        "deletion_id": lambda: (
            client.known(uid=(uid := marked("uid")))
            and client.forget(uid=uid).json()["deletion"]["id"]
        ),
    }
    return {name: make() for name, make in makers.items() if f"{{{name}}}" in path}


def _made(client: Account, what: str, path: str, **body: object) -> str:
    return client.http.post(path, json=body).json()[what]["id"]
