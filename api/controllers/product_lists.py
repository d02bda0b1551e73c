"""Lists of the product whose records there are none of here, and its list of event names (contract §10, §11).

Connectors ask for them to find out whether a secret is good: an account without such things gets empty lists.
"""

from typing import Final

from litestar import Controller, get

from api.answers import Answer, answer
from api.app_context import app_context
from api.commands.event_names import list_event_names
from api.incoming import Incoming
from api.parameters import receive_parameters, receive_principal
from schemas.search.request import DEFAULT_LIMIT

EMPTY_LISTS: Final = (
    *("segments", "searches", "tours", "surveys", "launchers", "tooltips", "embeds", "tags"),
    *("deliveries", "responses", "interactions"),
)
PREFIXES: Final = ("/v3/edit", "/v3/analyze")


class ProductListsController(Controller):
    """`/v3/edit/segments`, `/v3/analyze/segments` and so on."""

    tags = ("compatibility",)

    @get(
        [f"{prefix}/{name}" for prefix in PREFIXES for name in EMPTY_LISTS],
        summary="A list of the product that is always empty here",
    )
    async def empty(self, request: Incoming) -> Answer:
        await receive_principal(request)
        name = request.scope["path"].rstrip("/").rpartition("/")[2]
        return answer({name: [], "cursor": {"limit": DEFAULT_LIMIT}})

    @get(
        [f"{prefix}/event_names" for prefix in PREFIXES],
        summary="The names of the tracked events, in their order",
    )
    async def event_names(self, request: Incoming) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        page = await list_event_names(app.node, sent.account, sent.parameters)
        cursor: dict[str, object] = {"limit": page.limit}
        if page.before is not None:
            cursor["before"] = page.before
        return answer({"event_names": page.event_names, "cursor": cursor})
