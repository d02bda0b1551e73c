"""Whose secret is this (contract §1)."""

from litestar import Controller, get, post

from api.answers import Answer, answer
from api.app_context import app_context
from api.incoming import Incoming
from api.parameters import receive_principal
from projections.accounts import Principal


class AccountController(Controller):
    """`GET|POST /`."""

    tags = ("account",)

    @get("/", summary="The account that a secret names")
    async def show(self, request: Incoming) -> Answer:
        return _answer(await receive_principal(request))

    @post("/", status_code=200, summary="The account that a secret names")
    async def show_for_body(self, request: Incoming) -> Answer:
        principal, _ = await app_context(request).receive(request)
        return _answer(principal)


def _answer(principal: Principal) -> Answer:
    return answer({"account": {"id": principal.account}, "user": {"id": principal.user}})
