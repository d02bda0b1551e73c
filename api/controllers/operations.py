"""Operations: is the process alive, has it caught up (contract §15). No secret, no user data."""

from litestar import Controller, get

from api.answers import Answer, answer
from api.door import door
from api.incoming import Incoming


class OperationsController(Controller):
    """`/health` and `/ready`."""

    tags = ("operations",)

    @get("/health", summary="The process is alive")
    async def health(self) -> Answer:
        return answer({"status": "ok"})

    @get("/ready", summary="The service has caught up with the log")
    async def ready(self, request: Incoming) -> Answer:
        if door(request).node.worker.ready:
            return answer({"status": "ready"})
        return answer({"status": "catching up"}, 503, retry_after="1")
