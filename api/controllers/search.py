"""Searching and counting profiles (contract §6)."""

from litestar import Controller, get, post

from api.answers import Answer, answer, raw_answer
from api.app_context import app_context
from api.incoming import Incoming
from api.parameters import receive_parameters
from schemas.events import ENCODER
from schemas.search.cursors import encode_cursor


class SearchController(Controller):
    """`/v3/analyze/profiles`."""

    path = "/v3/analyze/profiles"
    tags = ("profiles",)

    @get("/", summary="Search profiles, newest created first")
    async def search(self, request: Incoming) -> Answer:
        return await _search(request)

    @post("/", status_code=200, summary="Search profiles, newest created first")
    async def search_for_body(self, request: Incoming) -> Answer:
        return await _search(request)

    @get("/count", summary="Count profiles")
    async def count(self, request: Incoming) -> Answer:
        return await _count(request)

    @post("/count", status_code=200, summary="Count profiles")
    async def count_for_body(self, request: Incoming) -> Answer:
        return await _count(request)


async def _search(request: Incoming) -> Answer:
    app = app_context(request)
    sent = await receive_parameters(app, request)
    found = await app.searching.search(sent.account, sent.parameters)
    cursor: dict[str, object] = {"limit": found.limit}
    if found.more_before is not None:
        cursor["before"] = encode_cursor(found.more_before, sent.account)
    shown = b",".join(found.profiles)
    return raw_answer(b'{"profiles":[%b],"cursor":%b}' % (shown, ENCODER.encode(cursor)))


async def _count(request: Incoming) -> Answer:
    app = app_context(request)
    sent = await receive_parameters(app, request)
    return answer({"count": await app.searching.count(sent.account, sent.parameters)})
