"""Streams of changes (contract §13)."""

from collections.abc import Mapping
from typing import Final

from litestar import Controller, get, post

from api.commands.observing import observe, parse_wanted
from api.door import SECRET_PARAMETER, Door, door
from api.event_stream import EventStream, no_events
from api.incoming import Incoming
from api.methods import is_head

_LAST_EVENT_ID: Final = "last-event-id"


class ChangesController(Controller):
    """`/v3/observe/changes`."""

    path = "/v3/observe/changes"
    tags = ("changes",)

    @get("/", summary="Follow the changes of profiles, as server-sent events")
    async def follow(self, request: Incoming) -> EventStream:
        at = door(request)
        return await _stream(at, request, at.outer_secret(request), request.query)

    @post("/", status_code=200, summary="Follow the changes of profiles, as server-sent events")
    async def follow_for_body(self, request: Incoming) -> EventStream:
        at = door(request)
        _, body = await at.receive(request)
        secret = at.outer_secret(request)
        return await _stream(
            at, request, body.get(SECRET_PARAMETER) if secret is None else secret, body
        )


async def _stream(
    at: Door, request: Incoming, secret: object, given: Mapping[str, object]
) -> EventStream:
    account = at.authenticate(secret).account
    wanted = parse_wanted(at.node, account, given, request.fields.get(_LAST_EVENT_ID))
    if is_head(request.scope):
        return EventStream(b"", no_events())
    portions = observe(at.node, account, wanted, lambda: at.authenticate(secret))
    # The first portion now: what stands in the way of a stream is an answer with a status of its own.
    return EventStream(await anext(portions), portions)
