"""Accounts and their secrets, held whole in memory by every node."""

import hmac
from typing import NamedTuple

from schemas.events import Account, decode_record
from schemas.identity import Identity


class Principal(NamedTuple):
    """Whose a good secret is: ids of the account and of the secret."""

    account: str
    user: str


class Accounts:
    """The accounts by id, and the live secrets by their keyed hash."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._accounts: dict[str, Account] = {}
        self._secrets: dict[str, tuple[str, Principal]] = {}

    def apply(self, key: bytes, value: bytes | None, offset: int) -> None:  # noqa: ARG002 - a replica's signature
        """Fold a record of ``accounts``: the whole state of one account, or its end."""
        id_ = key.decode()
        before = self._accounts.pop(id_, None)
        for secret in before.secrets if before else ():
            self._secrets.pop(secret.hash, None)
        if value is not None:
            account = decode_record(value, Account)
            self._accounts[id_] = account
            for secret in account.secrets:
                self._secrets[secret.hash] = secret.hash, Principal(id_, secret.id)

    def authenticate(self, secret: str) -> Principal | None:
        """The principal of a live secret.

        Looked up by a keyed hash that nobody outside can compute, so the time of the look-up says nothing; the
        hashes are compared in constant time all the same (contract §1).
        """
        presented = self._identity.secret_hash(secret)
        found = self._secrets.get(presented)
        known, principal = found if found is not None else ("", None)
        return principal if hmac.compare_digest(known, presented) else None

    def get(self, id_: str) -> Account | None:
        return self._accounts.get(id_)

    def all(self) -> list[Account]:
        """Every account, oldest first."""
        return sorted(self._accounts.values(), key=lambda account: (account.created_at, account.id))
