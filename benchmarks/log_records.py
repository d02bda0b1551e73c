"""Records of a log that a rebuild folds: users that come, change, take other emails, are cleared.

The same count makes the same users and changes; the records' keys are fresh, as an append's are.
"""

from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from benchmarks.email_records import EmailRecords, LogRecord
from schemas import identity
from schemas.events import (
    EmailClaimed,
    Place,
    ProfileCleared,
    ProfileEvent,
    ProfileUpserted,
    encode,
)
from schemas.identity import Identity

ACCOUNT = "0123456789abcdef01234567"
EVENTS_PER_USER = 4
EMAIL_CHANGES = 0.05
CLEARS = 0.01
COMPANIES = 3_000
FIRST_AT = 1_870_000_000_000  # unix milliseconds
NEW_USER = {
    "first_name": "Jane",
    "last_name": "Chameleon",
    "last_login": "2029-04-29T09:00:00.000Z",
    "subscription_type": "platinum",
    "role": "revops",
}
PLANS = ("free", "basic", "gold", "platinum")


class Log(NamedTuple):
    """One partition of `profile-events`, and the one of `profile-emails` that its relay has written."""

    events: list[LogRecord]
    emails: list[LogRecord]
    last_uid: str


@dataclass
class _User:
    uid: str
    id: str
    claim: bytes


def make_log(identity_: Identity, count: int) -> Log:
    """`count` events: one in four creates a user, the others are spread over those there are."""
    return _LogMaker(identity_, Random(count)).make(count)


class _LogMaker:
    def __init__(self, identity_: Identity, random: Random) -> None:
        self._identity = identity_
        self._random = random
        self._users: list[_User] = []
        self._emails = EmailRecords()

    def make(self, count: int) -> Log:
        events = [
            LogRecord(offset, key, encode(self._event(offset, key)))
            for offset, key in enumerate(identity.event_keys(count))
        ]
        self._emails.finish()
        return Log(events, self._emails.records, self._users[-1].uid)

    def _event(self, offset: int, key: bytes) -> ProfileEvent:
        at = FIRST_AT + offset
        if offset % EVENTS_PER_USER == 0:
            return self._new_user(offset, at, key)
        user = self._users[int(self._random.random() * len(self._users))]
        kind = self._random.random()
        if kind < CLEARS:
            return ProfileCleared(account=ACCOUNT, at=at, id=user.id)
        if kind < CLEARS + EMAIL_CHANGES:
            email = f"jane.{offset}@chameleon.example"
            self._emails.withdraw(user.claim, (0, offset, 0))
            user.claim = self._claim((0, offset, 1), at, key, email, user.id)
            return _upsert(at, user.uid, {"email": email})
        changes = {"plan": PLANS[offset % len(PLANS)], "seats": offset}
        return _upsert(at, user.uid, changes)

    def _new_user(self, offset: int, at: int, key: bytes) -> ProfileUpserted:
        number = len(self._users)
        uid = str(UUID(int=self._random.getrandbits(128), version=4))
        email = f"jane{number}@acme.software"
        slot = int.from_bytes(self._identity.uid_hash(ACCOUNT, uid)[:2])
        id_ = identity.profile_id(slot, key)
        claim = self._claim((0, offset, 0), at, key, email, id_)
        self._users.append(_User(uid, id_, claim))
        company = self._identity.company_id(ACCOUNT, number % COMPANIES)
        return _upsert(at, uid, {"email": email, "company_id": company, **NEW_USER})

    def _claim(self, place: Place, at: int, key: bytes, email: str, profile_id: str) -> bytes:
        """Returns the claim's name."""
        name = identity.claim_made_by(key)
        email_hash = self._identity.email_hash(ACCOUNT, email).hex()
        self._emails.claim(name, EmailClaimed(ACCOUNT, at, email_hash, profile_id, place))
        return name


def _upsert(at: int, uid: str, properties: dict[str, Any]) -> ProfileUpserted:
    return ProfileUpserted(account=ACCOUNT, at=at, uid=uid, properties=properties)
