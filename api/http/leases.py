"""Whether an answer may leave: once a lease has run out, what was read may be old (`streams.partition.tenure`)."""

from collections.abc import Callable
from typing import Any, Final, cast

from litestar.types import Scope

_KEY: Final = "profilelog.leases"


def keep_check(scope: Scope, are_good: Callable[[], bool]) -> None:
    """Have the answers of this request ask `are_good` when they leave."""
    cast("dict[str, Any]", scope)[_KEY] = are_good


def may_answer(scope: Scope) -> bool:
    """Asked when all was read that the answer says."""
    are_good = cast("dict[str, Any]", scope).get(_KEY)
    return are_good is None or are_good()
