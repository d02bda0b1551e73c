"""OpenAPI 3.1 of the HTTP interface: the app's own routes, with what `operations` says of each."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.documents.operations import EVENT_STREAM, OPERATIONS, Operation
from api.documents.requests import PARAMETERS, REQUESTS, REQUIRED_PARAMETERS
from api.documents.results import RESULTS
from api.documents.shapes import COUNT, SHARED, TEXT, Schema, ref

_JSON: Final = "application/json"
_SECRET: Final = "account_secret"  # noqa: S105 - a name, no secret
_SECRET_SEGMENT: Final = f"/{{{_SECRET}}}"
_UNDOCUMENTED: Final = frozenset({"HEAD", "OPTIONS"})

SCHEMAS: Final[Mapping[str, Schema]] = {**SHARED, **RESULTS, **REQUESTS}
"""Every named shape."""

_LOG_POSITION: Final = {
    "X-Log-Position": {
        "description": "Where the write is in the log, for X-Min-Log-Position of a read.",
        "schema": TEXT,
    }
}
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": COUNT}}
_TO_BE_REPEATED: Final = frozenset({429, 503})


def routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """(method, path, handler) of all that is answered, but for the documents themselves."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and not route.path_format.startswith("/schema"):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - _UNDOCUMENTED):
                    yield method, route.path_format, handler


def operation_of(method: str, path: str) -> Operation | None:
    """The description of a route. A hook whose path holds the secret is the one without, under another name."""
    if _SECRET_SEGMENT not in path:
        return OPERATIONS.get(f"{method} {path}")
    operation = OPERATIONS.get(f"{method} {path.replace(_SECRET_SEGMENT, '')}")
    return (
        None if operation is None else operation._replace(name=f"{operation.name}WithSecretInPath")
    )


def openapi(app: Litestar) -> dict[str, Any]:
    """The document. A route that `OPERATIONS` does not know is left out, which a test finds."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, handler in routes(app):
        operation = operation_of(method, path)
        if operation is not None:
            paths.setdefault(path, {})[method.lower()] = _operation(path, handler, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "profilelog",
            "version": "3",
            "description": "An event-sourced user-profile service. A secret names the account.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-Account-Secret"},
                "query": {"type": "apiKey", "in": "query", "name": _SECRET},
            },
        },
    }


def _operation(path: str, handler: HTTPRouteHandler, operation: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.name,
        "summary": handler.summary or "",
        "tags": sorted(handler.resolve_tags()),
        "parameters": [
            *_path_parameters(path),
            *(_parameter(name, "query") for name in operation.query),
            *(_parameter(name, "header") for name in operation.headers),
        ],
        "responses": {
            **{
                str(status): _answer(status, shape, operation)
                for status, shape in operation.answers.items()
            },
            **{
                str(status): _answer(status, "Error", operation)
                for status in sorted(operation.errors)
            },
        },
        "security": _security(path, operation),
    }
    if operation.notes:
        shown["description"] = operation.notes
    if operation.body is not None:
        shown["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": ref(operation.body)}},
        }
    return shown


def _security(path: str, operation: Operation) -> list[dict[str, list[str]]]:
    if not operation.secret or _SECRET_SEGMENT in path:
        return []
    in_body: list[dict[str, list[str]]] = [] if operation.body is None else [{}]
    return [{"header": []}, {"query": []}, *in_body]


def _path_parameters(path: str) -> list[Schema]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]


def _parameter(name: str, location: str) -> Schema:
    parameter: Schema = {"name": name, "in": location, "schema": PARAMETERS.get(name, TEXT)}
    return {**parameter, "required": True} if name in REQUIRED_PARAMETERS else parameter


def _answer(status: int, shape: str, operation: Operation) -> Schema:
    content = (
        {EVENT_STREAM: {"schema": TEXT}}
        if shape == EVENT_STREAM
        else {_JSON: {"schema": ref(shape)}}
    )
    answer: Schema = {"description": HTTPStatus(status).phrase, "content": content}
    if operation.positioned and status < HTTPStatus.BAD_REQUEST:
        answer["headers"] = _LOG_POSITION
    elif status in _TO_BE_REPEATED:
        answer["headers"] = _RETRY_AFTER
    return answer
