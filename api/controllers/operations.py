"""Operations: is the process alive, has it caught up (contract §15). No secret, no user data."""

from litestar import Controller, Response, get

from api.answers import answer
from api.door import Incoming, door


class OperationsController(Controller):
    """`/health` and `/ready`."""

    tags = ("operations",)

    @get("/health", summary="The process is alive")
    async def health(self) -> Response[bytes]:
        return answer({"status": "ok"})

    @get("/ready", summary="The service has caught up with the log")
    async def ready(self, request: Incoming) -> Response[bytes]:
        if door(request).node.worker.ready:
            return answer({"status": "ready"})
        return answer({"status": "catching up"}, 503, retry_after="1")
