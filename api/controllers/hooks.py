"""The hooks that products push to: profiles, tracked events, batches, a batch's status (contract §3, §4, §11)."""

import contextlib
from collections.abc import AsyncGenerator
from typing import NamedTuple

import msgspec
from litestar import Controller, get, post

from api.answers import Answer, answer, positions
from api.app_context import KEY_HEADER, app_context
from api.bodies import expected_size, read_body
from api.commands.batches.profile_items import EventItems, ProfileItems
from api.commands.batches.writer import BatchContext, BatchWriter, Received
from api.commands.tracking import track
from api.commands.upserting import upsert
from api.envelopes import Envelope, EventEnvelope, open_envelope
from api.incoming import Incoming
from api.limits.too_large import batch_too_large
from api.parameters import receive_principal
from projections.accounts import Principal
from schemas.timestamps import format_timestamp


class HooksController(Controller):
    """`/v3/observe/hooks`."""

    path = "/v3/observe/hooks"
    tags = ("hooks",)

    @post(
        ["/profiles", "/{account_secret:str}/profiles"],
        status_code=200,
        summary="Create or update one profile",
    )
    async def upsert(self, request: Incoming) -> Answer:
        app = app_context(request)
        principal, body = await app.receive(request)
        async with app.keyed(request, principal, "profile", body) as keyed:
            done = await upsert(app.node, principal.account, body, keyed)
        verdict = done.written.verdict
        content: dict[str, object] = {"profile": {"id": verdict.id}}
        if done.ignored:
            content["ignored"] = done.ignored
        status = 201 if verdict.outcome == "created" else 200
        return answer(content, status, x_log_position=done.written.position)

    @post(
        ["/profiles/batch", "/{account_secret:str}/profiles/batch"],
        status_code=202,
        summary="Create or update many profiles",
    )
    async def batch(self, request: Incoming) -> Answer:
        return await _receive_batch(request, Envelope, ProfileItems)

    @post(
        ["/events", "/{account_secret:str}/events"],
        status_code=201,
        summary="Track one event of a user",
    )
    async def track(self, request: Incoming) -> Answer:
        app = app_context(request)
        principal, body = await app.receive(request)
        async with app.keyed(request, principal, "event", body) as keyed:
            done = await track(app.node, principal.account, body, keyed)
        content: dict[str, object] = {"event": {"id": done.id}}
        if done.ignored:
            content["ignored"] = done.ignored
        return answer(content, 201, x_log_position=done.written.position)

    @post(
        ["/events/batch", "/{account_secret:str}/events/batch"],
        status_code=202,
        summary="Track many events",
    )
    async def track_batch(self, request: Incoming) -> Answer:
        return await _receive_batch(request, EventEnvelope, EventItems)

    @get("/batches/{batch_id:str}", summary="How far a batch is")
    async def batch_status(self, request: Incoming, batch_id: str) -> Answer:
        app = app_context(request)
        account = (await receive_principal(request)).account
        await app.reach(request)
        batch = await app.batches.get(account, batch_id)
        return answer(
            {
                "batch": {
                    "id": batch_id,
                    "created_at": format_timestamp(batch.created_at),
                    "received": batch.received,
                    "accepted": batch.accepted,
                    "skipped": batch.skipped,
                    "failed": batch.failed,
                    "applied": await app.batches.applied(batch),
                }
            }
        )


class BatchBody(NamedTuple):
    """A batch that was received: whose it is, its items, and the body as it was sent."""

    principal: Principal
    items: list[msgspec.Raw]
    ignores_missing: bool
    body: bytes


@contextlib.asynccontextmanager
async def batch_body(request: Incoming, kind: type[Envelope]) -> AsyncGenerator[BatchBody]:
    """The body of a batch, which may hold the secret; until the block ends it counts as one that is handled.

    All that can be wrong outside its items is checked before.
    """
    app = app_context(request)
    outer = app.outer_principal(request)
    limit, key = app.settings.batch_limit, request.fields.get(KEY_HEADER)
    with contextlib.ExitStack() as held:
        if outer is not None:
            held.enter_context(app.intake.batch(outer.account, key))
        size = expected_size(request, limit)
        room = held.enter_context(app.intake.room(size, authenticated=outer is not None))
        with app.unauthorized_unless(outer):
            body = await read_body(request, limit, batch_too_large())
            envelope = await open_envelope(body, kind)
        principal = outer or app.authenticate(envelope.secret)
        if outer is None:
            held.enter_context(app.intake.batch(principal.account, key))
        room.settle(len(body))
        yield BatchBody(principal, await envelope.split(), envelope.ignores_missing(), body)


def batch_answer(received: Received) -> Answer:
    """The answer to a batch (contract §4)."""
    content = {"batch": {"id": received.id}, **received.failures.fields()}
    return answer(content, 202, **positions(received.positions))


async def _receive_batch(
    request: Incoming, envelope: type[Envelope], kind: type[ProfileItems]
) -> Answer:
    app = app_context(request)
    async with (
        batch_body(request, envelope) as batch,
        app.keyed(request, batch.principal, kind.route, batch.body) as keyed,
    ):
        account, limit = batch.principal.account, app.settings.body_limit
        context = BatchContext(app.node, account, batch.ignores_missing, limit, keyed)
        writer = BatchWriter(context, kind(context), app.intake.turn)
        known = await app.batches.answered(keyed)
        if known is not None:
            assert keyed is not None
            failures = await writer.again(batch.items, known)
            last = {int(partition): offset for partition, offset in known.last.items()}
            return batch_answer(Received(keyed.batch, failures, last))
        received, status = await writer.write(batch.items)
        app.batches.add(received.id, status)
        return batch_answer(received)
