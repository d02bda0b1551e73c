"""What every handler needs to serve a request; first, which account it is for (contract §1)."""

import contextlib
import re
from collections.abc import Generator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from api.bodies import read_object
from api.commands.batches.status import Batches
from api.commands.company_filters import CompanyFilters
from api.commands.property_surveys import PropertySurveys
from api.commands.repeating import KeyedRequest, Repeats
from api.commands.searching import Searching
from api.incoming import Incoming
from api.interpreter import MemoryReturn
from api.limits.batches_at_once import Intake
from api.settings import Settings
from projections.accounts import Principal
from schemas.errors import NotJson, Unauthorized, Unprocessable
from streams.node import Node

SECRET_PARAMETER: Final = "account_secret"  # noqa: S105 - a name, no secret
_HEADER: Final = "x-account-secret"
KEY_HEADER: Final = "idempotency-key"
_POSITION_HEADER: Final = "x-min-log-position"
REACH_SECONDS: Final = 5.0
_MESSAGE: Final = (
    "Unauthorized: send a live account secret in the X-Account-Secret header or as `account_secret`"
)


@dataclass(frozen=True, slots=True)
class AppContext:
    """What the handlers of one app share."""

    node: Node
    settings: Settings
    batches: Batches
    repeats: Repeats
    company_filters: CompanyFilters
    searching: Searching
    surveys: PropertySurveys
    intake: Intake

    @classmethod
    def of(cls, node: Node, settings: Settings) -> "AppContext":
        filters = CompanyFilters(node.companies, lambda: node.partitions.owned_profiles().values())
        return cls(
            node,
            settings,
            Batches(node),
            Repeats(node),
            filters,
            Searching(node, filters),
            PropertySurveys(node),
            Intake(
                max_batches=settings.max_batches,
                max_bytes=settings.max_received_bytes,
                wait_seconds=settings.write_timeout,
                emptied=MemoryReturn().schedule,
            ),
        )

    def outer_secret(self, request: Incoming) -> str | None:
        """The secret in the path, the header or the query: whichever is there, in this order."""
        secret = request.path_params.get(SECRET_PARAMETER) or request.fields.get(_HEADER)
        return request.query.get(SECRET_PARAMETER) if secret is None else secret

    def authenticate(self, secret: object) -> Principal:
        """Raises `Unauthorized`, and `Unavailable` where the accounts are not known whole."""
        self.node.check_replicas()
        self.node.pace.requested()
        principal = (
            self.node.book.accounts.authenticate(secret) if isinstance(secret, str) else None
        )
        if principal is None:
            raise Unauthorized(_MESSAGE)
        return principal

    def principal(self, request: Incoming) -> Principal:
        """The principal of a request whose body is not read."""
        return self.authenticate(self.outer_secret(request))

    async def receive(
        self, request: Incoming, *, once: bool = False
    ) -> tuple[Principal, Mapping[str, object]]:
        """The principal and the body, which may hold the secret, of a request with a JSON object.

        Raises like `read_object`.
        """
        outer = self.outer_principal(request)
        with self.unauthorized_unless(outer):
            body = await read_object(
                request,
                self.settings.body_limit,
                self.intake,
                authenticated=outer is not None,
                once=once,
            )
        return outer or self.authenticate(body.get(SECRET_PARAMETER)), body

    def keyed(
        self,
        request: Incoming,
        principal: Principal,
        route: str,
        body: bytes | Mapping[str, object],
    ) -> AbstractAsyncContextManager[KeyedRequest | None]:
        """The request alone with its Idempotency-Key; see `Repeats.keyed`."""
        key = request.fields.get(KEY_HEADER)
        if isinstance(body, bytes):
            if key is not None:
                request.keep_body(body)
        elif key is not None:
            body = {name: value for name, value in body.items() if name != SECRET_PARAMETER}
        return self.repeats.keyed(principal.account, key, route, body)

    async def reach(self, request: Incoming) -> None:
        """Wait until reads show what the X-Min-Log-Position of a read names (contract §14).

        Raises `Unprocessable`, `Unavailable`.
        """
        wanted = request.fields.get(_POSITION_HEADER)
        if wanted is not None:
            positions = parse_positions(wanted, self.node.identity.partitions)
            await self.node.reach(positions, REACH_SECONDS)

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


def parse_positions(text: str, partitions: int) -> dict[int, int]:
    """The offset per partition of a log position as writes answer it. Raises `Unprocessable`."""
    positions: dict[int, int] = {}
    for part in text.split(","):
        match = _POSITION.fullmatch(part.strip())
        if match is None or int(match[1]) >= partitions:
            raise Unprocessable(
                "X-Min-Log-Position must be what X-Log-Position said: <partition>:<offset>, joined by commas"
            )
        partition, offset = int(match[1]), int(match[2])
        positions[partition] = max(offset, positions.get(partition, offset))
    return positions


_POSITION: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,18})", re.ASCII)


def app_context(request: Incoming) -> AppContext:
    """What the handlers of the request's app share."""
    return request.app.state.context
