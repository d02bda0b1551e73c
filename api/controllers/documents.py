"""The documents that clients and consumers are generated from (contract §13). No secret, no user data."""

from litestar import Controller, get

from api.answers import Answer, answer
from api.app_context import app_context
from api.documents.asyncapi import asyncapi
from api.documents.openapi import openapi
from api.incoming import Incoming


class DocumentsController(Controller):
    """`/schema`."""

    path = "/schema"
    tags = ("documents",)

    @get("/openapi.json", summary="OpenAPI 3.1 of HTTP")
    async def openapi(self, request: Incoming) -> Answer:
        return answer(openapi(request.app))

    @get("/asyncapi.json", summary="AsyncAPI 3 of the topics")
    async def asyncapi(self, request: Incoming) -> Answer:
        return answer(asyncapi(app_context(request).node.topics))
