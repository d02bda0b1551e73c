"""A profile's history, and all that is held about its user (contract §12)."""

import contextlib
from typing import Final

from litestar import Controller, get

from api.answers import Answer, StreamedAnswer, raw_answer
from api.app_context import AppContext, app_context, parse_positions
from api.commands.addressing import Identifiers, find, parse_beside
from api.commands.history import HistoryPage, export, read_history
from api.incoming import Incoming
from api.parameters import receive_parameters
from projections.profile import StoredProfile
from schemas.errors import Unprocessable
from schemas.search.conditions import Moment
from schemas.search.parameters import check_names
from schemas.search.request import DEFAULT_LIMIT, parse_limit, parse_moment
from streams.clock import now

_PAGE: Final = ("limit", "before")


class HistoryController(Controller):
    """What is below one profile in `/v3/analyze/profiles`."""

    path = "/v3/analyze/profiles/{profile_id:str}"
    tags = ("history",)

    @get("/history", summary="What happened to a profile, the newest first")
    async def history(self, request: Incoming, profile_id: str) -> Answer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        await app.reach(request)
        check_names(sent.parameters, _PAGE)
        profile = await find(app.node, sent.account, Identifiers(id=profile_id))
        limit = parse_limit(sent.parameters.get("limit", DEFAULT_LIMIT))
        page = HistoryPage(limit, _before(app, profile, sent.parameters.get("before")))
        return raw_answer(await read_history(app.node, profile, page))

    @get("/export", summary="Everything held about a user as one document")
    async def export(self, request: Incoming, profile_id: str) -> StreamedAnswer:
        app = app_context(request)
        sent = await receive_parameters(app, request)
        await app.reach(request)
        profile = await find(app.node, sent.account, parse_beside(profile_id, sent.parameters))
        return StreamedAnswer(export(app.node, profile))


def _before(app: AppContext, profile: StoredProfile, sent: object) -> int | Moment | None:
    """An offset in the profile's partition, or a time. Raises `Unprocessable`."""
    if sent is None:
        return None
    if (moment := parse_moment(sent, now())) is not None:
        return moment
    text = sent if isinstance(sent, str) else ""
    partition = app.node.identity.partition_of_id(profile.id)
    with contextlib.suppress(Unprocessable):
        positions = parse_positions(text, app.node.identity.partitions)
        if positions.keys() == {partition}:
            return positions[partition]
    raise Unprocessable(
        "before: send the cursor of an answer, which is an event's position in the log of this "
        "profile, or a timestamp"
    )
