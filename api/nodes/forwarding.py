"""A request that another node has to answer goes on to it whole, and its answer comes back as it is: one hop.

A node that is asked and does not own the partition either answers 421; it has taken nothing, so the owner is looked for
again. What may have been taken is not sent twice, unless it only reads.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final

import aiohttp
from litestar import Request
from litestar.types import Receive, Scope, Send
from yarl import URL

from api.answers import answer, refusal
from api.incoming import kept_body
from api.nodes.hop import shows_key
from schemas.errors import RequestError, Unavailable
from streams.cluster.peers import (
    CONNECT_SECONDS,
    DOOR_KEY_HEADER,
    IN_DOUBT,
    NOT_CONNECTED,
    NOT_THE_OWNER,
    Peers,
    moving,
)
from streams.partition.leases import Owner
from streams.partition.owned_partitions import Elsewhere

# Of one connection, or said anew by the client.
_NOT_SENT_ON: Final = frozenset(
    (
        "connection", "content-encoding", "content-length", "expect", "host", "keep-alive",
        "te", "trailer", "transfer-encoding", "upgrade", DOOR_KEY_HEADER,
    )
)  # fmt: skip
_NOT_ANSWERED: Final = frozenset(
    ("connection", "date", "keep-alive", "server", "transfer-encoding")
)
_READS: Final = frozenset(("GET",))


class Forwarding:
    """The answer of who owns the partition that a request is about."""

    __slots__ = ("_error", "_peers", "_request")

    def __init__(self, request: Request[Any, Any, Any], error: Elsewhere, peers: Peers) -> None:
        self._request = request
        self._error = error
        self._peers = peers

    def to_asgi_response(self, **_: object) -> "Forwarding":
        """What Litestar asks of the answer of an exception handler."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if shows_key(self._request.scope, self._peers.key):
            await answer({}, NOT_THE_OWNER)(scope, receive, send)
            return
        try:
            sent_on = await self._send_on()
        except RequestError as error:
            await refusal(error)(scope, receive, send)
            return
        async with sent_on:
            await _pass_back(sent_on, send, 2 * self._peers.patience)

    async def _send_on(self) -> aiohttp.ClientResponse:
        """The owner's answer, from its head on. Raises `Unavailable`."""
        peers = self._peers
        until = time.monotonic() + peers.patience
        while time.monotonic() < until:
            owner = peers.owners.of(self._error.tp)
            answered = None if owner is None else await self._try(owner)
            if answered is not None:
                return answered
            await peers.until_moved()
        raise moving()

    async def _try(self, owner: Owner) -> aiohttp.ClientResponse | None:
        """The node's answer; None where it has certainly done nothing. Raises `Unavailable`."""
        peers = self._peers
        try:
            answered = await self._while_reached(owner, self._send_to(owner))
        except NOT_CONNECTED:
            peers.note(owner, reached=False)
            return None
        except (aiohttp.ClientError, TimeoutError):
            peers.note(owner, reached=False)
            if self._request.method not in _READS:
                raise Unavailable(IN_DOUBT) from None
            return None
        peers.note(owner, reached=True)
        if answered.status == NOT_THE_OWNER:
            answered.close()
            return None
        return answered

    async def _while_reached(
        self, owner: Owner, answer: Coroutine[Any, Any, aiohttp.ClientResponse]
    ) -> aiohttp.ClientResponse:
        """The answer, which takes its time for a batch. Raises TimeoutError where the node is not reached any more."""
        waits = asyncio.ensure_future(answer)
        try:
            while not (await asyncio.wait([waits], timeout=2 * self._peers.patience))[0]:
                if not self._peers.is_reached(owner):
                    raise TimeoutError
            return await waits
        finally:
            waits.cancel()

    async def _send_to(self, owner: Owner) -> aiohttp.ClientResponse:
        scope, peers = self._request.scope, self._peers
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))  # `Incoming.fields` undoes it
            for name, value in scope["headers"]
            if name.decode("latin-1") not in _NOT_SENT_ON
        ]
        return await peers.requests.request(
            scope["method"],
            URL(owner.url + path, encoded=True),
            data=kept_body(scope),
            headers=[*headers, (DOOR_KEY_HEADER, peers.key)],
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        )


async def _pass_back(answered: aiohttp.ClientResponse, send: Send, patience: float) -> None:
    """Sends the answer on; its parts come at least every `patience` seconds. Raises TimeoutError."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answered.headers.items()
        if name.lower() not in _NOT_ANSWERED
    ]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    while True:
        async with asyncio.timeout(patience):
            part = await answered.content.readany()
        if not part:
            break
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
