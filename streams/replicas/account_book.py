"""Making accounts and secrets: the whole state of an account is one record of ``accounts``."""

import secrets
from typing import Final

import msgspec

from projections.accounts import Accounts
from schemas.errors import NotFound, StoppedAt
from schemas.events import Account, Secret, encode
from schemas.identity import Identity, random_id
from streams.clock import now
from streams.log.appender import Appender
from streams.log.decisions import KnownDecisions
from streams.log.kafka_access import KafkaAccess
from streams.log.topics import Topics
from streams.replicas.replica import Replica

_SECRET_BYTES: Final = 24


class AccountBook:
    """The accounts of a deployment, kept up to date from the log, and changes to them."""

    def __init__(
        self,
        kafka: KafkaAccess,
        topics: Topics,
        identity: Identity,
        appender: Appender,
        decisions: KnownDecisions,
    ) -> None:
        self.accounts = Accounts(identity)
        self._identity = identity
        self._topic = topics.accounts
        self._appender = appender
        self._replica = Replica(kafka, decisions, topics.accounts, self.accounts.apply)

    @property
    def stopped(self) -> StoppedAt | None:
        """The record that cannot be folded, or is damaged: what is behind it is not known."""
        return self._replica.stopped

    async def start(self) -> None:
        await self._replica.start()

    async def stop(self) -> None:
        await self._replica.stop()

    async def create(self, name: str, secret: str | None = None) -> tuple[Account, str]:
        """A new account with one secret; returns the secret too, which is kept nowhere."""
        secret = secret or secrets.token_urlsafe(_SECRET_BYTES)
        at = now()
        account = Account(random_id(), name, at, [self._secret(secret, at)])
        await self._save(account)
        return account, secret

    async def add_secret(self, account_id: str, text: str | None = None) -> tuple[Secret, str]:
        """One more live secret for an account, made up unless given. Raises `NotFound`."""
        account = self._account(account_id)
        text = text or secrets.token_urlsafe(_SECRET_BYTES)
        secret = self._secret(text, now())
        await self._save(msgspec.structs.replace(account, secrets=[*account.secrets, secret]))
        return secret, text

    async def revoke_secret(self, account_id: str, secret_id: str) -> None:
        """The secret stops working. Raises `NotFound`."""
        account = self._account(account_id)
        rest = [secret for secret in account.secrets if secret.id != secret_id]
        if len(rest) == len(account.secrets):
            raise NotFound("The account has no such secret")
        await self._save(msgspec.structs.replace(account, secrets=rest))

    def _account(self, account_id: str) -> Account:
        account = self.accounts.get(account_id)
        if account is None:
            raise NotFound("No such account")
        return account

    def _secret(self, text: str, now: int) -> Secret:
        return Secret(random_id(), self._identity.secret_hash(text), now)

    async def _save(self, account: Account) -> None:
        offset = await self._appender.append(self._topic, 0, account.id.encode(), encode(account))
        await self._replica.applied(offset)
