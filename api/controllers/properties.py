"""Properties: what there is, what it is called, and what somebody wrote about it (contract §10)."""

from litestar import Controller, HttpMethod, get, post, route

from api.answers import Answer, answer, raw_answer
from api.app_context import AppContext, app_context
from api.commands.pacing import paced
from api.commands.properties import (
    describe,
    find_property,
    list_properties,
    parse_property,
    parse_words,
    show_property,
)
from api.incoming import Incoming
from api.parameters import receive_parameters, receive_principal
from schemas.events import ENCODER
from schemas.properties import Kind


class PropertiesController(Controller):
    """`/v3/edit/properties`."""

    path = "/v3/edit/properties"
    tags = ("properties",)

    @get("/", summary="The account's properties of one kind, by their names")
    async def page(self, request: Incoming) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        page = await list_properties(app.node, app.surveys, sent.account, sent.parameters)
        cursor: dict[str, object] = {"limit": page.limit}
        if page.after is not None:
            # All other lists, and the product's, go on by `before`.
            cursor |= {"before": page.after, "after": page.after}
        shown = [ENCODER.encode(each) async for each in paced(page.properties)]
        body = b'{"properties":[%b],"cursor":%b}' % (b",".join(shown), ENCODER.encode(cursor))
        return raw_answer(body)

    @get("/{property_id:str}", summary="One property")
    async def read(self, request: Incoming, property_id: str) -> Answer:
        app = app_context(request)
        account = (await receive_principal(request)).account
        found = await find_property(app.node, app.surveys, account, property_id)
        return await _one(app, account, *found)

    @post("/", status_code=200, summary="Name and describe a property")
    async def describe(self, request: Incoming) -> Answer:
        app = app_context(request)
        principal, body = await app.receive(request)
        account, (kind, prop), words = principal.account, parse_property(body), parse_words(body)
        is_new = await describe(app.node, app.surveys, account, kind, prop, words)
        return await _one(app, account, kind, prop, 201 if is_new else 200)

    @route(
        "/{property_id:str}",
        http_method=[HttpMethod.PUT, HttpMethod.PATCH],
        status_code=200,
        summary="Change what a property is called",
    )
    async def change(self, request: Incoming, property_id: str) -> Answer:
        app = app_context(request)
        principal, body = await app.receive(request)
        account, words = principal.account, parse_words(body)
        kind, prop = await find_property(app.node, app.surveys, account, property_id)
        await describe(app.node, app.surveys, account, kind, prop, words)
        return await _one(app, account, kind, prop)


async def _one(app: AppContext, account: str, kind: Kind, prop: str, status: int = 200) -> Answer:
    shown = await show_property(app.node, app.surveys, account, kind, prop)
    return answer({"property": shown}, status)
