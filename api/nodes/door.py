"""The door at which other nodes ask this one about its partitions (`streams.cluster.operations`).

It is on the port that answers requests, under a path of its own. To anybody who does not show the key that is derived
from the deployment's hash key there is no such route.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from api.app_context import AppContext
from api.commands.event_names import tracked_here
from api.commands.following_changes import gone_here
from api.commands.forgetting import forget_here
from api.commands.receipts import list_here
from api.http.leases import begin
from api.nodes.hop import shows_key
from schemas.errors import Unavailable
from streams.cluster.answering import for_a_while
from streams.cluster.operations import (
    OPERATIONS,
    WAIT_SECONDS,
    CompaniesFoldedTo,
    CountProfiles,
    EraseClaims,
    ForgetProfile,
    GoneProfiles,
    ListDeletions,
    MembersLeft,
    PropertyNames,
    SearchPage,
    SurveyProperties,
    TrackedEvents,
    WhoAreYou,
    WriteEvent,
)
from streams.cluster.peers import DOOR, IN_DOUBT, NOT_THE_OWNER
from streams.partition.owned_partitions import Elsewhere

log = logging.getLogger(__name__)

_OF_THE_PROCESS: Final = frozenset(("/health", "/ready"))
_MOST_BYTES: Final = 32 << 20
_operations: Final = msgspec.msgpack.Decoder(OPERATIONS)
_encode: Final = msgspec.msgpack.Encoder().encode


class Door:
    """Answers other nodes; all else goes on to `app`."""

    __slots__ = ("_app", "_cluster", "_context")

    def __init__(self, app: ASGIApp, context: AppContext) -> None:
        self._app = app
        self._cluster = context.node.cluster
        self._context = context

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            path = scope["path"]
            if path == DOOR and shows_key(scope, self._cluster.peers.key):
                return self._answer(receive, send)
            if path not in _OF_THE_PROCESS:
                begin(scope, self._cluster.leases)
        return self._app(scope, receive, send)

    async def _answer(self, receive: Receive, send: Send) -> None:
        try:
            asked = _operations.decode(await _read(receive))
        except msgspec.MsgspecError:
            await _send(send, 400, b"this node, of another version, does not know the operation")
            return
        leases = self._cluster.leases
        lapsed = leases.lapsed
        try:
            answer = await self._answer_to(asked)
        except Elsewhere:
            await _send(send, NOT_THE_OWNER, b"another node owns the partition")
        except Unavailable as error:
            await _send(send, 503, error.messages[0].encode())
        except Exception as error:
            # Nothing of the error's text, which may hold a value.
            log.error("%s failed: %s", type(asked).__name__, type(error).__name__)
            await _send(send, 503, b"the node failed at this, try again")
        else:
            if leases.are_good(lapsed):
                await _send(send, 200, _encode(answer))
            elif isinstance(asked, WriteEvent | ForgetProfile):
                await _send(send, 503, IN_DOUBT.encode())  # 421 would say that nothing was taken
            else:
                await _send(send, NOT_THE_OWNER, b"this node's leases have run out")

    async def _answer_to(self, asked: OPERATIONS) -> object:
        match asked:
            case SearchPage() | CountProfiles():
                return await self._context.searching.answer(asked)
            case PropertyNames():
                return await self._context.surveys.names_here(asked.account)
            case SurveyProperties():
                return await self._context.surveys.survey_here(asked.account, asked.names)
            case TrackedEvents():
                node = self._context.node
                return await tracked_here(node, asked.account, asked.behind, asked.limit)
            case ForgetProfile():
                return await forget_here(self._context.node, asked)
            case GoneProfiles():
                return gone_here(self._context.node, asked)
            case WriteEvent():
                write = self._context.node.write_here
                return await write(asked.partition, asked.key, asked.value)
            case EraseClaims():
                self._cluster.partitions.emails(asked.partition)
                return await self._context.node.purge.erase_claims(asked.partition, asked.claims)
            case MembersLeft():
                return await self._members_left(asked)
            case WhoAreYou():
                return self._cluster.owners.me.node
            case CompaniesFoldedTo():
                return await for_a_while(self._context.node.company_log.applied(asked.offset))
            case ListDeletions():
                return list_here(self._context.node, asked)
            case _:
                return await self._cluster.answering.answer(asked)

    async def _members_left(self, asked: MembersLeft) -> object:
        deletions = self._context.node.company_deletions
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await deletions.left(asked.partition, asked.deletion, asked.number)
        except TimeoutError:
            return None


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while len(body) <= _MOST_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        if not message["more_body"]:
            break
    return bytes(body)


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
