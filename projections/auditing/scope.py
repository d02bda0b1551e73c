"""Which records of the log are about one account, or about one user: a part of the log that folds by itself.

A user's events name the uid, or a profile id that comes from an event that did. So records have to be given in the
order of the log, a partition of ``profile-events`` before those of ``profile-emails``.
"""

from collections.abc import Callable, Iterable

import msgspec

from schemas import identity
from schemas.events import (
    AboutDeletion,
    AboutNobody,
    AboutUser,
    CompanyGone,
    EmailClaimed,
    ProfileForgotten,
    UndecodableRecord,
    decode_email_record,
    decode_profile_event,
    decode_record,
)
from schemas.identity import Identity, claim_name


class _Said(msgspec.Struct):
    """What all records have in common."""

    account: str


class _Claims:
    """The claims in a scope: a withdrawal names no more than its claim."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()

    def holds(self, key: bytes, value: bytes, is_ours: Callable[[EmailClaimed], bool]) -> bool:
        """Whether a record of ``profile-emails`` belongs to the scope, in which claims are for which `is_ours`."""
        try:
            record = decode_email_record(value)
        except UndecodableRecord:
            return False
        if not isinstance(record, EmailClaimed):
            return claim_name(key) in self._names
        if is_ours(record):
            self._names.add(claim_name(key))
            return True
        return False


class AccountScope:
    """The records of one account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._claims = _Claims()

    def event(self, key: bytes, value: bytes) -> bool:  # noqa: ARG002 - as `UserScope` has it
        """Whether a record of ``profile-events`` is about it."""
        return self._says(value)

    def claim(self, key: bytes, value: bytes) -> bool:
        """Whether a record of ``profile-emails`` is about it: a withdrawal, when its claim is."""
        return self._claims.holds(key, value, lambda claim: claim.account == self._account)

    def _says(self, value: bytes) -> bool:
        try:
            return decode_record(value, _Said).account == self._account
        except UndecodableRecord:
            return False


class UserScope:
    """The records of the user with one uid, in each of the accounts. The id of a forgotten user is then nobody's.

    `forgotten` counts the forgets that erased the user, in whichever account.
    """

    def __init__(self, identity_: Identity, accounts: Iterable[str], uid: int | str) -> None:
        self._identity = identity_
        self.users = {identity_.uid_hash(account, uid) for account in accounts}
        self._ids: dict[str, bytes] = {}
        self._deletions: set[str] = set()
        self._spent: set[str] = set()
        self._claims = _Claims()
        self.forgotten = 0

    @property
    def partitions(self) -> list[int]:
        """The partitions of ``profile-events`` that the records can be in."""
        return sorted({*map(self._identity.partition_of_hash, self.users)})

    def event(self, key: bytes, value: bytes) -> bool:
        """Whether a record of ``profile-events`` is about the user, or about a company that is gone."""
        try:
            event = decode_profile_event(value)
        except UndecodableRecord:
            return False
        if isinstance(event, AboutUser):
            return self._named(event, key)
        if isinstance(event, ProfileForgotten):
            return self._forgotten(event)
        if isinstance(event, AboutDeletion):
            return event.id in self._deletions
        if isinstance(event, AboutNobody):
            return isinstance(event, CompanyGone)
        return event.id in self._ids

    def claim(self, key: bytes, value: bytes) -> bool:
        """Whether a record of ``profile-emails`` is about the user: a withdrawal, when its claim is."""
        return self._claims.holds(key, value, lambda claim: claim.id in self._ids)

    def _named(self, event: AboutUser, key: bytes) -> bool:
        if event.id is not None:
            return event.id in self._ids
        user = self._identity.uid_hash(event.account, event.uid or "")
        if user not in self.users:
            return False
        self._ids[identity.profile_id(user[0] << 8 | user[1], key)] = user
        return True

    def _forgotten(self, event: ProfileForgotten) -> bool:
        user = bytes.fromhex(event.user)
        if user not in self.users and event.id not in self._ids:
            return False
        if event.id in self._spent:
            return True  # a second forget of one profile does nothing
        self._spent.add(event.id)
        self.forgotten += 1
        self._deletions.add(event.deletion)
        self._ids = {
            id_: whose for id_, whose in self._ids.items() if id_ != event.id and whose != user
        }
        return True


Scope = AccountScope | UserScope
