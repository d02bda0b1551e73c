"""Streams of changes (contract §13)."""

from typing import Final

from litestar import Controller, get, post

from api.app_context import app_context
from api.commands.following_changes import observe, parse_wanted
from api.event_stream import EventStream, no_events
from api.incoming import Incoming
from api.methods import is_head
from api.parameters import receive_parameters

_LAST_EVENT_ID: Final = "last-event-id"


class ChangesController(Controller):
    """`/v3/observe/changes`."""

    path = "/v3/observe/changes"
    tags = ("changes",)

    @get("/", summary="Follow the changes of profiles, as server-sent events")
    async def follow(self, request: Incoming) -> EventStream:
        return await _stream(request)

    @post("/", status_code=200, summary="Follow the changes of profiles, as server-sent events")
    async def follow_for_body(self, request: Incoming) -> EventStream:
        return await _stream(request)


async def _stream(request: Incoming) -> EventStream:
    app = app_context(request)
    sent = await receive_parameters(app, request)
    wanted = parse_wanted(
        app.node, sent.account, sent.parameters, request.fields.get(_LAST_EVENT_ID)
    )
    if is_head(request.scope):
        return EventStream(b"", no_events())
    account, secret = sent.account, sent.secret
    del sent  # a stream goes on for long, and what was sent may be large
    app.intake.handling.leave()
    portions = observe(app.node, account, wanted, lambda: app.authenticate(secret))
    # The first portion now: what stands in the way of a stream is an answer with a status of its own.
    return EventStream(await anext(portions), portions)
