"""The door: which account a request is for (contract §1), and what every handler needs to serve it."""

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final

from api.bodies import read_object
from api.commands.batching import Batches
from api.incoming import Incoming
from api.settings import Settings
from projections.accounts import Principal
from schemas.errors import NotJson, Unauthorized, Unprocessable
from streams.node import Node

SECRET_PARAMETER: Final = "account_secret"  # noqa: S105 - a name, no secret
_HEADER: Final = "x-account-secret"
_MESSAGE: Final = (
    "Unauthorized: send a live account secret in the X-Account-Secret header or as `account_secret`"
)


@dataclass(frozen=True, slots=True)
class Door:
    """What the handlers of one app share."""

    node: Node
    settings: Settings
    batches: Batches

    @classmethod
    def of(cls, node: Node, settings: Settings) -> "Door":
        return cls(node, settings, Batches(node))

    def outer_secret(self, request: Incoming) -> str | None:
        """The secret in the path, the header or the query: whichever is there, in this order."""
        secret = request.path_params.get(SECRET_PARAMETER) or request.fields.get(_HEADER)
        return request.query.get(SECRET_PARAMETER) if secret is None else secret

    def authenticate(self, secret: object) -> Principal:
        """Raises `Unauthorized`."""
        principal = (
            self.node.book.accounts.authenticate(secret) if isinstance(secret, str) else None
        )
        if principal is None:
            raise Unauthorized(_MESSAGE)
        return principal

    def principal(self, request: Incoming) -> Principal:
        """The principal of a request whose body is not read."""
        return self.authenticate(self.outer_secret(request))

    async def receive(self, request: Incoming) -> tuple[Principal, Mapping[str, object]]:
        """The principal and the body, which may hold the secret, of a request with a JSON object."""
        outer = self.outer_principal(request)
        with self.unauthorized_unless(outer):
            body = await read_object(request, self.settings.body_limit)
        return outer or self.authenticate(body.get(SECRET_PARAMETER)), body

    def outer_principal(self, request: Incoming) -> Principal | None:
        """The principal, unless its secret can only be in the body. Raises `Unauthorized`."""
        secret = self.outer_secret(request)
        return None if secret is None else self.authenticate(secret)

    @contextlib.contextmanager
    def unauthorized_unless(self, principal: Principal | None) -> Generator[None]:
        """What is wrong with a body is told only to who has shown a secret before it."""
        try:
            yield
        except (NotJson, Unprocessable):
            if principal is None:
                raise Unauthorized(_MESSAGE) from None
            raise


def door(request: Incoming) -> Door:
    """The app's door."""
    return request.app.state.door
