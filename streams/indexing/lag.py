"""How far searches are behind what is applied."""

import time

from streams.lag import WORTH_A_WARNING_SECONDS


class IndexLag:
    """Since when searches lack something, and what is wrong with the process that writes the index."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._trouble: str | None = None

    def changed(self) -> None:
        """Something is applied that searches do not show yet."""
        if self._since is None:
            self._since = time.monotonic()

    def caught_up(self) -> None:
        """Searches show all that is applied."""
        self._since = self._trouble = None

    def lost(self, failure: str) -> None:
        """The process is gone, for this reason, and another one is started."""
        self._trouble = failure

    @property
    def seconds(self) -> float:
        """For how long searches have not shown all that is applied."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    @property
    def warnings(self) -> list[str]:
        """Sentences for the operator (`/ready`)."""
        found: list[str] = []
        if self._trouble is not None:
            found.append(
                f"the process of the search index {self._trouble} and is started again:"
                " until then searches show what was indexed before"
            )
        if (behind := self.seconds) > WORTH_A_WARNING_SECONDS:
            found.append(f"searches are {behind:.0f} s behind what is written")
        return found
