"""`profilelog secrets`: add and revoke an account's secrets."""

from typing import Annotated

import typer

from api.command_line.account_log import account_book
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption
from api.command_line.output import print_json, print_text
from api.command_line.process import run_to_end
from api.settings import Settings
from schemas.events import Secret

app = typer.Typer(
    help="Add and revoke secrets. To rotate: add, change the senders, revoke.",
    no_args_is_help=True,
)
AccountArgument = Annotated[
    str, typer.Argument(help="The account's id, as `profilelog accounts list` shows it.")
]


@app.command()
def add(account_id: AccountArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Give an account one more secret, which is shown now and never again."""
    settings = _settings(data)

    async def work() -> tuple[Secret, str]:
        async with account_book(settings) as book:
            return await book.add_secret(account_id)

    secret, text = run_to_end(work)
    if json:
        print_json({"account": {"id": account_id}, "secret": {"id": secret.id, "text": text}})
    else:
        print_text(f"id:     {secret.id}\nsecret: {text}")


@app.command()
def revoke(
    account_id: AccountArgument,
    secret_id: Annotated[str, typer.Argument(help="The secret's id, not the secret.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make a secret stop working, at once and for good."""
    settings = _settings(data)

    async def work() -> None:
        async with account_book(settings) as book:
            await book.revoke_secret(account_id, secret_id)

    run_to_end(work)
    if json:
        print_json({"account": {"id": account_id}, "revoked": {"id": secret_id}})
    else:
        print_text(f"{secret_id} is revoked")


def _settings(data: DataOption) -> Settings:
    settings = Settings.load(data=data)
    configure_logging(settings.log_level)
    return settings
