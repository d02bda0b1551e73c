"""`profilelog accounts`: make and list accounts."""

from typing import Annotated

import typer
from rich.table import Table

from api.command_line.account_log import account_book
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption
from api.command_line.output import STDOUT, print_json, print_text
from api.command_line.process import run_to_end
from api.settings import Settings
from schemas.events import Account
from schemas.timestamps import format_timestamp

app = typer.Typer(help="Make and list accounts.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it; names need not be unique.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make an account with one secret, which is shown now and never again."""
    settings = _settings(data)

    async def work() -> tuple[Account, str]:
        async with account_book(settings) as book:
            return await book.create(name)

    account, secret = run_to_end(work)
    if json:
        shown = {"id": account.secrets[0].id, "text": secret}
        print_json({"account": {"id": account.id, "name": account.name}, "secret": shown})
    else:
        print_text(f"account: {account.id}\nsecret:  {secret}")


@app.command("list")
def list_accounts(data: DataOption = None, json: JsonOption = False) -> None:
    """List the accounts and the ids of their secrets."""
    settings = _settings(data)

    async def work() -> list[Account]:
        async with account_book(settings) as book:
            return book.accounts.all()

    accounts = run_to_end(work)
    if json:
        print_json({"accounts": list(map(_described, accounts))})
    else:
        STDOUT.print(_table(accounts))


def _settings(data: DataOption) -> Settings:
    settings = Settings.load(data=data)
    configure_logging(settings.log_level)
    return settings


def _described(account: Account) -> dict[str, object]:
    """An account without the hashes of its secrets."""
    return {
        "id": account.id,
        "name": account.name,
        "created_at": format_timestamp(account.created_at),
        "secrets": [
            {"id": secret.id, "created_at": format_timestamp(secret.created_at)}
            for secret in account.secrets
        ],
    }


def _table(accounts: list[Account]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("ACCOUNT", "CREATED", "SECRETS", "NAME"):
        # Ids are there to be copied, so they are shown whole on the narrowest terminal.
        table.add_column(column, no_wrap=column != "NAME", overflow="fold")
    for account in accounts:
        secrets = "\n".join(secret.id for secret in account.secrets)
        day = format_timestamp(account.created_at).partition("T")[0]
        table.add_row(account.id, day, secrets, account.name)
    return table
