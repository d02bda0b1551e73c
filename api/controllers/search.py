"""Searching and counting profiles (contract §6)."""

from collections.abc import Mapping

from litestar import Controller, get, post

from api.answers import Answer, answer, raw_answer
from api.commands.reading import show
from api.commands.searching import count, search
from api.door import Door, door
from api.incoming import Incoming, parse_query
from schemas.events import ENCODER
from schemas.search.brackets import from_query
from schemas.search.cursors import encode_cursor
from schemas.search.request import parse_count, parse_search
from streams.clock import now


class SearchController(Controller):
    """`/v3/analyze/profiles`."""

    path = "/v3/analyze/profiles"
    tags = ("profiles",)

    @get("/", summary="Search profiles, newest created first")
    async def search(self, request: Incoming) -> Answer:
        at = door(request)
        account = at.principal(request).account
        return await _search(at, account, _parameters(request))

    @post("/", status_code=200, summary="Search profiles, newest created first")
    async def search_for_body(self, request: Incoming) -> Answer:
        at = door(request)
        principal, body = await at.receive(request)
        return await _search(at, principal.account, body)

    @get("/count", summary="Count profiles")
    async def count(self, request: Incoming) -> Answer:
        at = door(request)
        account = at.principal(request).account
        return await _count(at, account, _parameters(request))

    @post("/count", status_code=200, summary="Count profiles")
    async def count_for_body(self, request: Incoming) -> Answer:
        at = door(request)
        principal, body = await at.receive(request)
        return await _count(at, principal.account, body)


def _parameters(request: Incoming) -> Mapping[str, object]:
    return from_query(parse_query(request.scope["query_string"]))


async def _search(at: Door, account: str, parameters: Mapping[str, object]) -> Answer:
    asked = parse_search(parameters, account, now())
    found = await search(at.node, at.company_filters, account, asked)
    cursor: dict[str, object] = {"limit": asked.limit}
    if found.more_before is not None:
        cursor["before"] = encode_cursor(found.more_before, account)
    shown = b",".join(show(at.node, profile, asked.expand) for profile in found.profiles)
    return raw_answer(b'{"profiles":[%b],"cursor":%b}' % (shown, ENCODER.encode(cursor)))


async def _count(at: Door, account: str, parameters: Mapping[str, object]) -> Answer:
    condition = parse_count(parameters, now())
    return answer({"count": await count(at.node, at.company_filters, account, condition)})
