"""The parameters of a search, a list or a read: in the query or in a JSON body, whatever the method (contract §6)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from api.app_context import SECRET_PARAMETER, AppContext, app_context
from api.incoming import Incoming, parse_query
from projections.accounts import Principal
from schemas.search.parameters import joined

_NOTHING: Final[Mapping[str, object]] = {}


class Asked(NamedTuple):
    """Whose request it is, by which secret, and what else it says."""

    account: str
    secret: object
    parameters: Mapping[str, object]


async def receive_parameters(app: AppContext, request: Incoming) -> Asked:
    """The parameters of the query and of the body, if there is one. Raises like `AppContext.receive` and `joined`."""
    secret = app.outer_secret(request)
    if _has_body(request):
        principal, body = await app.receive(request, once=True)
        secret = body.get(SECRET_PARAMETER) if secret is None else secret
    else:
        principal, body = app.authenticate(secret), _NOTHING
    query = request.scope["query_string"]
    return Asked(principal.account, secret, joined(parse_query(query) if query else (), body))


async def receive_principal(request: Incoming) -> Principal:
    """The principal of a request that takes nothing but the secret, in a body too. Raises like `AppContext.receive`."""
    app = app_context(request)
    if app.outer_secret(request) is None and _has_body(request):
        principal, _ = await app.receive(request)
        return principal
    return app.principal(request)


def _has_body(request: Incoming) -> bool:
    headers = request.fields
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
