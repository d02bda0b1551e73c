"""What makes it impossible for a node to go on."""

import asyncio

from schemas.errors import OperatorError


class Failure:
    """The first error after which a node can fold or publish no more: whoever runs the node ends it with that."""

    def __init__(self) -> None:
        self._error: OperatorError | None = None
        self._reported = asyncio.Event()

    def report(self, error: OperatorError) -> None:
        """Keeps the error, unless another was reported before."""
        if self._error is None:
            self._error = error
        self._reported.set()

    async def wait(self) -> OperatorError:
        """Waits until an error is reported; returns the first."""
        await self._reported.wait()
        assert self._error is not None
        return self._error
