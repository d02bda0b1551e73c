"""The development account, which an embedded log begins with, and a secret of it to show."""

import secrets
from pathlib import Path
from typing import Final

from api.settings import kept
from api.starting import AccountSecret
from streams.replicas.account_book import AccountBook

DEVELOPMENT: Final = "development"
SECRET_FILE: Final = "account.secret"  # noqa: S105 - a file's name, no secret
_SECRET_BYTES: Final = 24


async def usable_secret(
    book: AccountBook, data: Path, embedded: bool, given: str | None
) -> AccountSecret | None:
    """A live secret to show; the development account is made to have it where that is wanted.

    A given secret works afterwards, whatever was there. Without one the embedded mode makes the
    first account of a new log; it does not bring back what was revoked since.
    """
    if given is None and not embedded:
        return None
    file = data / SECRET_FILE
    if given is None:
        is_new = not file.exists()
        secret = AccountSecret(kept(file, secrets.token_urlsafe(_SECRET_BYTES)), file, is_new)
    else:
        secret = AccountSecret(given, file=None, is_new=False)
    if book.accounts.authenticate(secret.text) is None:
        if given is None and book.accounts.all():
            return None
        await _give_development_account(book, secret.text)
    return secret


async def _give_development_account(book: AccountBook, text: str) -> None:
    there = [account for account in book.accounts.all() if account.name == DEVELOPMENT]
    if there:
        await book.add_secret(there[0].id, text)
    else:
        await book.create(DEVELOPMENT, text)
