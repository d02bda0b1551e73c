"""The hooks that products push to: one profile, a batch, a batch's status (contract §3, §4)."""

from typing import Final

from litestar import Controller, get, post

from api.answers import Answer, answer, positions
from api.bodies import read_body
from api.commands.batching import BatchWriter, Profiles, open_envelope
from api.commands.upserting import upsert
from api.door import door
from api.incoming import Incoming
from schemas.errors import TooLarge
from schemas.timestamps import format_timestamp

BATCH_TOO_LARGE: Final = (
    "Each batch must be less than 16mb, try splitting the batch in half"  # contract §2, the seed's
)


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
        at = door(request)
        principal, body = await at.receive(request)
        done = await upsert(at.node, principal.account, body)
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
        at = door(request)
        outer = at.outer_principal(request)
        with at.unauthorized_unless(outer):
            body = await read_body(request, at.settings.batch_limit, TooLarge(BATCH_TOO_LARGE))
            envelope = open_envelope(body, Profiles)
        principal = outer or at.authenticate(envelope.account_secret)
        writer = BatchWriter(
            at.node,
            principal.account,
            ignore_missing=envelope.ignores_missing(),
            item_limit=at.settings.body_limit,
        )
        received, batch = await writer.write(envelope.profiles)
        at.batches.add(received.id, batch)
        content: dict[str, object] = {"batch": {"id": received.id}}
        if received.errors:
            content["errors"] = received.errors
        return answer(content, 202, **positions(received.positions))

    @get("/batches/{batch_id:str}", summary="How far a batch is")
    async def batch_status(self, request: Incoming, batch_id: str) -> Answer:
        at = door(request)
        batch = at.batches.get(at.principal(request).account, batch_id)
        return answer(
            {
                "batch": {
                    "id": batch_id,
                    "created_at": format_timestamp(batch.created_at),
                    "received": batch.received,
                    "accepted": batch.accepted,
                    "skipped": batch.skipped,
                    "failed": batch.failed,
                    "applied": at.batches.applied(batch),
                }
            }
        )
