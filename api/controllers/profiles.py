"""Reading one profile, as it is or as it was (contract §5, §12)."""

from collections.abc import Mapping
from typing import Final

from litestar import Controller, get, post

from api.answers import Answer, raw_answer
from api.commands.addressing import Identifiers, find, parse_identifiers
from api.commands.history import parse_as_of, read_as_of
from api.commands.reading import show
from api.door import Door, door
from api.incoming import Incoming
from schemas.expansion import Expand, body_expand, parse_expand, query_expand

_DEFAULT: Final = Expand()


class ProfilesController(Controller):
    """`/v3/analyze`."""

    path = "/v3/analyze"
    tags = ("profiles",)

    @get("/profile", summary="Read one profile by id, uid or email")
    async def read(self, request: Incoming) -> Answer:
        at = door(request)
        account = at.principal(request).account
        await at.reach(request)
        query = request.query
        return await _answer(at, account, parse_identifiers(query), query, _query_expand(query))

    @post("/profile", status_code=200, summary="Read one profile by id, uid or email")
    async def read_for_body(self, request: Incoming) -> Answer:
        at = door(request)
        principal, body = await at.receive(request)
        await at.reach(request)
        named = parse_identifiers(body)
        return await _answer(at, principal.account, named, body, _body_expand(body))

    @get("/profiles/{profile_id:str}", summary="Read one profile by its id")
    async def read_by_id(self, request: Incoming, profile_id: str) -> Answer:
        at = door(request)
        account = at.principal(request).account
        await at.reach(request)
        named, query = Identifiers(id=profile_id), request.query
        return await _answer(at, account, named, query, _query_expand(query))

    @post("/profiles/{profile_id:str}", status_code=200, summary="Read one profile by its id")
    async def read_by_id_for_body(self, request: Incoming, profile_id: str) -> Answer:
        at = door(request)
        principal, body = await at.receive(request)
        await at.reach(request)
        named = Identifiers(id=profile_id)
        return await _answer(at, principal.account, named, body, _body_expand(body))


async def _answer(
    at: Door, account: str, named: Identifiers, given: Mapping[str, object], expand: Expand
) -> Answer:
    moment = parse_as_of(given, expand) if "as_of" in given else None
    profile = find(at.node, account, named)
    if moment is not None:
        profile = await read_as_of(at.node, profile, moment)
    return raw_answer(b'{"profile":%b}' % show(at.node, profile, expand))


def _query_expand(query: Mapping[str, str]) -> Expand:
    given = query_expand(query)
    return parse_expand(given) if given else _DEFAULT


def _body_expand(body: Mapping[str, object]) -> Expand:
    given = body_expand(body)
    return parse_expand(given) if given else _DEFAULT
