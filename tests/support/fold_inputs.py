"""Events for the fold, and what is looked at of its outbox."""

from projections.outbox import (
    EventTombstone,
    OutboxRow,
)
from schemas.events import (
    EmailReleased,
    ProfileCleared,
)
from tests.support.folding import (
    ACCOUNT,
    AT,
)

NOBODY = "0" * 24


def cleared(id_: str) -> ProfileCleared:
    return ProfileCleared(account=ACCOUNT, at=AT, id=id_)


def released(id_: str, claim: bytes | None) -> EmailReleased:
    named = "0" * 32 if claim is None else claim.decode()
    return EmailReleased(account=ACCOUNT, at=AT, id=id_, claim=named, by="f" * 32)


def tombstones(made: list[OutboxRow]) -> list[bytes]:
    return [row.key for row in made if isinstance(row, EventTombstone)]
