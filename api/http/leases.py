"""Whether an answer may leave: once a lease has run out, what was read may be old (`streams.partition.leases`)."""

from typing import Any, Final, cast

from litestar.types import Scope

from streams.partition.leases import Leases

_KEY: Final = "profilelog.leases"


def begin(scope: Scope, leases: Leases) -> None:
    """A request comes whose answer will be about the partitions of this node."""
    cast("dict[str, Any]", scope)[_KEY] = leases, leases.lapsed


def may_answer(scope: Scope) -> bool:
    """Asked when all was read that the answer says."""
    begun: tuple[Leases, int] | None = cast("dict[str, Any]", scope).get(_KEY)
    return begun is None or begun[0].are_good(begun[1])
