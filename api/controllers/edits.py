"""Clearing and forgetting profiles, and the receipts of deletions (contract §7, §8)."""

from collections.abc import AsyncIterable
from typing import Any, Final

from litestar import Controller, delete, get, post

from api.answers import Answer, answer, positions, raw_answer
from api.app_context import AppContext, app_context
from api.bodies import expected_size, read_body
from api.commands.addressing import Identifiers, find, parse_beside, parse_identifiers
from api.commands.clearing import clear
from api.commands.companies import show_company_receipt
from api.commands.forgetting import forget, forget_many
from api.commands.forgetting_csv import check_csv, csv_items
from api.commands.pacing import paced
from api.commands.reading import show
from api.commands.receipts import list_receipts, parse_page, show_receipt
from api.envelopes import Envelope, decode_items, open_envelope
from api.incoming import Incoming
from api.limits.batches_at_once import Room
from api.limits.too_large import body_too_large
from api.parameters import receive_parameters, receive_principal
from projections.profile import StoredProfile
from schemas.expansion import Expand

_WHOLE: Final = Expand()


class EditsController(Controller):
    """`/v3/edit`."""

    path = "/v3/edit"
    tags = ("edits",)

    @delete("/profiles", status_code=200, summary="Clear a profile named by uid")
    async def clear(self, request: Incoming) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        return await _clear(app, sent.account, parse_identifiers(sent.parameters))

    @delete("/profiles/{profile_id:str}", status_code=200, summary="Clear a profile")
    async def clear_by_id(self, request: Incoming, profile_id: str) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        return await _clear(app, sent.account, parse_beside(profile_id, sent.parameters))

    @delete("/profiles/forget", status_code=200, summary="Forget a profile by uid, email or id")
    async def forget(self, request: Incoming) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        return await _forget(app, sent.account, parse_identifiers(sent.parameters))

    @delete("/profiles/{profile_id:str}/forget", status_code=200, summary="Forget a profile")
    async def forget_by_id(self, request: Incoming, profile_id: str) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        return await _forget(app, sent.account, parse_beside(profile_id, sent.parameters))

    @post("/profiles/forget", status_code=202, summary="Forget many profiles, from JSON or CSV")
    async def forget_many(self, request: Incoming) -> Answer:
        app = app_context(request)
        size = expected_size(request, app.settings.batch_limit)
        with app.intake.room(size, authenticated=app.outer_secret(request) is not None) as room:
            account, items = await _items(app, request, room)
            forgotten, failures = await forget_many(app.node, account, items)
        content: dict[str, Any] = {
            "deletions": [
                {"id": one.deletion, "profile": {"id": one.profile}} for one in forgotten
            ],
            **failures.fields(),
        }
        last: dict[int, int] = {}
        for one in forgotten:
            last[one.partition] = max(one.offset, last.get(one.partition, one.offset))
        return answer(content, 202, **positions(last))

    @get("/deletions", summary="The account's deletions, the newest first")
    async def deletions(self, request: Incoming) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        page = await parse_page(app.node, sent.account, sent.parameters)
        return raw_answer(await list_receipts(app.node, sent.account, page))

    @get("/deletions/{deletion_id:str}", summary="The receipt of a deletion")
    async def deletion(self, request: Incoming, deletion_id: str) -> Answer:
        app = app_context(request)
        account = (await receive_principal(request)).account
        await app.reach(request)
        company = app.node.companies.receipt(deletion_id, account)
        if company is not None:
            return answer({"deletion": show_company_receipt(app.node, company)})
        return answer({"deletion": show_receipt(app.node, account, deletion_id)})


async def _clear(app: AppContext, account: str, named: Identifiers) -> Answer:
    written, cleared = await clear(app.node, account, await find(app.node, account, named))
    body = b'{"profile":%b}' % show(app.node, cleared, _WHOLE)
    return raw_answer(body, x_log_position=written.position)


async def _forget(app: AppContext, account: str, named: Identifiers) -> Answer:
    profile: StoredProfile = await find(app.node, account, named)
    done = await forget(app.node, profile)
    content = {"profile": {"id": done.profile}, "deletion": {"id": done.deletion}}
    return answer(content, x_log_position=done.position)


async def _items(
    app: AppContext, request: Incoming, room: Room
) -> tuple[str, AsyncIterable[tuple[int, object]]]:
    """The account, and whom to forget by index, of a JSON or CSV body."""
    limit = app.settings.batch_limit
    too_large = body_too_large(limit)
    if request.fields.get("content-type", "").partition(";")[0].strip().lower() == "text/csv":
        account = app.principal(request).account
        body = await read_body(request, limit, too_large)
        await check_csv(body)
        room.settle(len(body))
        return account, csv_items(body)
    outer = app.outer_principal(request)
    with app.unauthorized_unless(outer):
        body = await read_body(request, limit, too_large)
        envelope = await open_envelope(body, Envelope)
    principal = outer or app.authenticate(envelope.secret)
    room.settle(len(body))
    items = decode_items(await envelope.split(), app.settings.body_limit)
    return principal.account, paced(enumerate(items))
