"""Records of a log that a rebuild folds: users that come, change, take other emails, are cleared.

The same count makes the same users and changes; the records' keys are fresh, as an append's are.
"""

from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from schemas import identity
from schemas.events import EmailClaimed, ProfileCleared, ProfileEvent, ProfileUpserted, encode
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


class LogRecord(NamedTuple):
    """What the consumer hands to a fold."""

    offset: int
    key: bytes
    value: bytes | None


class Log(NamedTuple):
    """One partition of `profile-events`, and what its events left in `profile-emails`."""

    events: list[LogRecord]
    claims: list[LogRecord]
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
        self._claims: list[LogRecord] = []

    def make(self, count: int) -> Log:
        events = [
            LogRecord(offset, key, encode(self._event(offset, key)))
            for offset, key in enumerate(identity.event_keys(count))
        ]
        return Log(events, self._claims, self._users[-1].uid)

    def _event(self, offset: int, key: bytes) -> ProfileEvent:
        at = FIRST_AT + offset
        if offset % EVENTS_PER_USER == 0:
            return self._new_user(at, key)
        user = self._users[int(self._random.random() * len(self._users))]
        kind = self._random.random()
        if kind < CLEARS:
            return ProfileCleared(account=ACCOUNT, at=at, id=user.id)
        if kind < CLEARS + EMAIL_CHANGES:
            email = f"jane.{offset}@chameleon.example"
            self._append_claim(user.claim, None)
            user.claim = self._claim(at, key, email, user.id)
            return _upsert(at, user.uid, {"email": email})
        changes = {"plan": PLANS[offset % len(PLANS)], "seats": offset}
        return _upsert(at, user.uid, changes)

    def _new_user(self, at: int, key: bytes) -> ProfileUpserted:
        number = len(self._users)
        uid = str(UUID(int=self._random.getrandbits(128), version=4))
        email = f"jane{number}@acme.software"
        slot = int.from_bytes(self._identity.uid_hash(ACCOUNT, uid)[:2])
        id_ = identity.profile_id(slot, key)
        self._users.append(_User(uid, id_, self._claim(at, key, email, id_)))
        company = self._identity.company_id(ACCOUNT, number % COMPANIES)
        return _upsert(at, uid, {"email": email, "company_id": company, **NEW_USER})

    def _claim(self, at: int, event_key: bytes, email: str, profile_id: str) -> bytes:
        claim = identity.claim_made_by(event_key)
        email_hash = self._identity.email_hash(ACCOUNT, email).hex()
        self._append_claim(claim, encode(EmailClaimed(ACCOUNT, at, email_hash, profile_id)))
        return claim

    def _append_claim(self, claim: bytes, value: bytes | None) -> None:
        self._claims.append(LogRecord(len(self._claims), claim, value))


def _upsert(at: int, uid: str, properties: dict[str, Any]) -> ProfileUpserted:
    return ProfileUpserted(account=ACCOUNT, at=at, uid=uid, properties=properties)
