"""Whom an auditor asks for, and every name that the log and the state have for that person.

A uid leads to a keyed hash, and the log's events lead from there to all profile ids that the person ever had and to
the deletions of them. A deletion leads the same way back: to the profile id and the user's hash, and to the offsets
of the records that it erased. An email leads to its keyed hash alone, for it may have moved from one to another.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from projections import keyspace
from projections.receipts import decode_receipt
from schemas import identity
from schemas.events import (
    AboutUser,
    EmailWithdrawn,
    ProfileForgotten,
    UndecodableRecord,
    decode_email_record,
    decode_profile_event,
)
from schemas.identifiers import fold_email, uid_text
from schemas.identity import Identity, claim_name


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the auditor names: a person, in one account or in all of them, and strings."""

    uid: str | None = None
    email: str | None = None
    deletion: str | None = None
    account: str | None = None
    texts: tuple[str, ...] = ()


class Person:
    """The names of the person; `learn_…` is given everything once before anything is judged by them.

    `ids` are profile ids, `users` and `emails` keyed hashes, `claims` names of email claims. `forgets` has, by
    user hash, the offset of the forget that was asked for: the user's records before it are meant, not those of
    somebody who came back. `erased` has the offsets that receipts name, by partition. `elsewhere` are hashes of the
    same email in other accounts, `strangers` profile ids that claimed one of those.
    """

    def __init__(self, asked: Asked, identity_: Identity, accounts: Iterable[str]) -> None:
        self.asked = asked
        self.identity = identity_
        self.email = None if asked.email is None else fold_email(asked.email)
        self.ids: set[str] = set()
        self.claims: set[bytes] = set()
        self.deletions: set[str] = set() if asked.deletion is None else {asked.deletion}
        self.forgets: dict[bytes, int] = {}
        self.erased: defaultdict[int, set[int]] = defaultdict(set)
        self.strangers: set[str] = set()
        self.users: set[bytes] = set()
        self.emails: set[bytes] = set()
        self.elsewhere: set[bytes] = set()
        for account in accounts:
            if asked.uid is not None and self.in_account(account):
                self.users.add(identity_.uid_hash(account, asked.uid))
            if asked.email is not None:
                hashes = self.emails if self.in_account(account) else self.elsewhere
                hashes.update(identity_.email_hashes(account, asked.email))

    @property
    def known(self) -> bool:
        """Whether the deletion that was asked for, if one was, has been found."""
        return self.asked.deletion is None or bool(self.ids)

    def in_account(self, account: str) -> bool:
        return self.asked.account in (None, account)

    def has_uid(self, uid: object) -> bool:
        """Whether this is the uid that was asked for (contract §3: ``18821`` and ``"18821"`` are one)."""
        if self.asked.uid is None or type(uid) not in (int, str):
            return False
        return uid_text(uid) == self.asked.uid  # pyright: ignore[reportArgumentType] - by its type

    def has_email(self, email: object) -> bool:
        """Whether this is the email that was asked for, folded (contract §3)."""
        return self.email is not None and type(email) is str and fold_email(email) == self.email

    def in_slot(self, id_: str) -> bool:
        """Whether a profile id can be one of this user's; another user's is by 1 in 65,536."""
        return any(id_[:4] == user[:2].hex() for user in self.users)

    def was_forgotten(self, event: AboutUser, offset: int) -> bool:
        """Whether the event is of the user whose deletion was asked for, and older than that."""
        if not self.forgets or event.uid is None or event.id is not None:
            return False
        user = self.identity.uid_hash(event.account, event.uid)
        return offset < self.forgets.get(user, 0)

    def learn_forget(self, value: bytes, offset: int) -> None:
        """A record of ``profile-events``: a forget leads to a deletion, an id and a user, or back."""
        if b"profile-forgotten" not in value and b"\\" not in value:
            return
        event = _decoded(value)
        if type(event) is not ProfileForgotten:
            return
        try:
            user = bytes.fromhex(event.user)
        except ValueError:
            return
        if event.deletion == self.asked.deletion and self.in_account(event.account):
            self.forgets[user] = offset
        elif user not in self.users:
            return
        self.ids.add(event.id)
        self.deletions.add(event.deletion)

    def learn_event(self, key: bytes, value: bytes, offset: int) -> None:
        """A record of ``profile-events``, once the forgets are known: it may have made a profile."""
        uid = self.asked.uid
        if not self.forgets and (uid is None or (uid.encode() not in value and b"\\" not in value)):
            return
        event = _decoded(value)
        if not isinstance(event, AboutUser) or event.id is not None:
            return
        if (self.has_uid(event.uid) and self.in_account(event.account)) or self.was_forgotten(
            event, offset
        ):
            assert event.uid is not None
            user = self.identity.uid_hash(event.account, event.uid)
            self.ids.add(identity.profile_id(user[0] << 8 | user[1], key))

    def learn_claim(self, key: bytes, value: bytes) -> None:
        """A record of ``profile-emails``, once the ids are known."""
        try:
            claim = decode_email_record(value)
            if isinstance(claim, EmailWithdrawn):
                return
            email = bytes.fromhex(claim.email)
        except (UndecodableRecord, ValueError):
            return
        if claim.id in self.ids or email in self.emails:
            self.claims.add(claim_name(key))
        elif email in self.elsewhere:
            self.strangers.add(claim.id)

    def learn_row(self, partition: int, key: bytes, value: bytes) -> None:
        """A row of the state of ``profile-events``, whose log may be gone already."""
        prefix, subject = keyspace.subject(key)
        if prefix == keyspace.USERS and not self.users.isdisjoint((subject, value)):
            # The row links the two; whichever is no hash of the user is a profile id.
            self.ids.update(each.hex() for each in (subject, value) if each not in self.users)
        elif prefix == keyspace.RECEIPTS:
            deletion = subject.hex()
            try:
                receipt = decode_receipt(value)
            except msgspec.DecodeError:
                return
            if deletion in self.deletions or receipt.profile in self.ids:
                self.ids.add(receipt.profile)
                self.deletions.add(deletion)
                self.erased[partition].update(receipt.erased)


def _decoded(value: bytes) -> object:
    try:
        return decode_profile_event(value)
    except UndecodableRecord:
        return None
