"""Reading one profile, as it is or as it was (contract §5, §12)."""

from litestar import Controller, get, post

from api.answers import Answer, raw_answer
from api.app_context import app_context
from api.commands.addressing import find, parse_beside, parse_identifiers
from api.commands.history import parse_as_of, read_as_of
from api.commands.reading import show
from api.incoming import Incoming
from api.parameters import receive_parameters
from schemas.expansion import asked_expand, parse_expand


class ProfilesController(Controller):
    """`/v3/analyze`."""

    path = "/v3/analyze"
    tags = ("profiles",)

    @get("/profile", summary="Read one profile by id, uid or email")
    async def read(self, request: Incoming) -> Answer:
        return await _read(request)

    @post("/profile", status_code=200, summary="Read one profile by id, uid or email")
    async def read_for_body(self, request: Incoming) -> Answer:
        return await _read(request)

    @get("/profiles/{profile_id:str}", summary="Read one profile by its id")
    async def read_by_id(self, request: Incoming, profile_id: str) -> Answer:
        return await _read(request, profile_id)

    @post("/profiles/{profile_id:str}", status_code=200, summary="Read one profile by its id")
    async def read_by_id_for_body(self, request: Incoming, profile_id: str) -> Answer:
        return await _read(request, profile_id)


async def _read(request: Incoming, profile_id: str | None = None) -> Answer:
    """The profile that the path names, or the parameters."""
    app = app_context(request)
    sent = await receive_parameters(app, request)
    await app.reach(request)
    given = sent.parameters
    named = parse_identifiers(given) if profile_id is None else parse_beside(profile_id, given)
    expand = parse_expand(asked_expand(given))
    moment = parse_as_of(given, expand) if "as_of" in given else None
    profile = await find(app.node, sent.account, named)
    if moment is not None:
        profile = await read_as_of(app.node, profile, moment)
    return raw_answer(b'{"profile":%b}' % show(app.node, profile, expand))
