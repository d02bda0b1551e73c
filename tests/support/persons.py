"""A person, and what is judged to be about them."""

from typing import Any, Final

from projections.auditing.evidence import Mark, Trace
from projections.auditing.person import Asked, Person
from schemas.events import (
    ProfileForgotten,
)
from schemas.identity import profile_id
from tests.support.folding import ACCOUNT, AT, IDENTITY, key, user

OTHER: Final = "b" * 24
DELETION: Final = "d" * 24
STRANGER: Final = "5" * 24
COMPANY: Final = "c" * 24


def person(*log: tuple[bytes, int, bytes], **asked: Any) -> Person:
    """Whom the auditor asks for, after (key, offset, value) of ``profile-events`` were read."""
    found = Person(Asked(**asked), IDENTITY, [ACCOUNT, OTHER])
    for _ in range(2):
        for key_, offset, value in log:
            found.learn_forget(value, offset)
            found.learn_event(key_, value, offset)
    return found


def mark(trace: Trace | None) -> Mark | None:
    return None if trace is None else trace.mark


def forgotten(id_: str, uid: int | str) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion=DELETION, spent=["f" * 32]
    )


def id_of(uid: int | str, offset: int = 0) -> str:
    """The id of the profile that the event at the offset makes."""
    return profile_id(int(user(uid).hex()[:4], 16), key(offset))
