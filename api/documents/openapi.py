"""OpenAPI 3.1 of the HTTP interface: the app's own routes, with what `operations` says of each."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.documents.operations import EVENT_STREAM, OPERATIONS, Operation
from api.documents.shapes import ID, SCHEMAS, Schema, ref

_JSON: Final = "application/json"
_SECRET: Final = "account_secret"  # noqa: S105 - a name, no secret
_TEXT: Final[Schema] = {"type": "string"}
_FORM: Final[Schema] = {"enum": ["all", "min", "skip"]}
_PARAMETERS: Final[Mapping[str, Schema]] = {
    "filters": {"type": "string", "description": "an array of Filter as JSON"},
    "filters_op": {"enum": ["and", "or"]},
    "limit": {"type": "integer", "minimum": 1, "maximum": 500},
    "expand[profile]": _FORM,
    "expand[company]": _FORM,
    "expand[events]": _FORM,
    "from": {"enum": ["now", "start"]},
    "cascade": {"enum": ["profiles"]},
    "kind": {"enum": ["profile", "company"]},
    "order": {"enum": ["created_at", "last_seen_at"]},
    "id": ID,
}


def is_documented(path: str) -> bool:
    """The documents themselves, and the path form of the secret, which is said once for all, are not."""
    return not path.startswith("/schema") and _SECRET not in path


def routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """(method, path, handler) of all that is answered."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and is_documented(route.path_format):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    yield method, route.path_format, handler


def openapi(app: Litestar) -> dict[str, Any]:
    """The document. A route that `OPERATIONS` does not know is shown with its path and its summary."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, handler in routes(app):
        said = OPERATIONS.get(f"{method} {path}", Operation({}, ()))
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, handler, said)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "profilelog",
            "version": "3",
            "description": "The hooks also take the secret in their path: /v3/observe/hooks/{account_secret}/….",
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


def _operation(
    method: str, path: str, handler: HTTPRouteHandler, said: Operation
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": "_".join([method.lower(), *_words(path)]),
        "summary": handler.summary or "",
        "tags": sorted(handler.resolve_tags()),
        "parameters": [*_path_parameters(path), *map(_query_parameter, said.query)],
        "responses": {
            **{str(status): _answer(status, shape) for status, shape in said.answers.items()},
            **{str(status): _answer(status, "Error") for status in sorted(said.errors)},
        },
        "security": [{"header": []}, {"query": []}] if said.secret else [],
    }
    if said.body is not None:
        # A secret may be in the body instead.
        shown["security"].append({})
        shown["requestBody"] = {"content": {_JSON: {"schema": ref(said.body)}}}
    return shown


def _words(path: str) -> list[str]:
    return [part.strip("{}") for part in path.split("/") if part] or ["account"]


def _path_parameters(path: str) -> list[Schema]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]


def _query_parameter(name: str) -> Schema:
    return {"name": name, "in": "query", "schema": _PARAMETERS.get(name, _TEXT)}


def _answer(status: int, shape: str) -> Schema:
    content = (
        {EVENT_STREAM: {"schema": _TEXT}}
        if shape == EVENT_STREAM
        else {_JSON: {"schema": ref(shape)}}
    )
    return {"description": HTTPStatus(status).phrase, "content": content}
