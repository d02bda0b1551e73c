"""`profilelog up` and `profilelog serve`: the service, with and without a Kafka of its own."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from api import server
from api.command_line.given import secret_of
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, HostOption, JsonOption, PortOption
from api.command_line.output import print_json, print_text
from api.command_line.process import run_until_stopped
from api.settings import Settings
from api.starting import AccountSecret, Start, Started
from streams.broker import CLIENT_FILE

# curl reads the header from stdin: on its command line every user of the machine could read it.
_EXAMPLE: Final = """
Try:
  sed 's/^/X-Account-Secret: /' {file} | curl -H @- {url}/v3/observe/hooks/profiles \\
    -d '{{"uid": 1, "plan": "free"}}'
"""
_NOTHING_KEPT: Final = "no secret is kept here: `profilelog accounts create NAME` makes an account and shows its secret"


def up(
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
    account_secret_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with a secret that the account “development” is to have; `-`: stdin.",
            show_default="PROFILELOG_ACCOUNT_SECRET, else one is made",
        ),
    ] = None,
    account_secret: Annotated[str | None, typer.Option(hidden=True)] = None,
    json: JsonOption = False,
) -> None:
    """Run a Kafka broker and the service, until Ctrl-C or SIGTERM."""
    settings = Settings.load(host=host, port=port, data=data)
    configure_logging(settings.log_level)
    given = secret_of("--account-secret", account_secret, account_secret_file)
    if given is None and settings.account_secret is not None:
        given = settings.account_secret.get_secret_value()
    _run(settings, True, given, json)


def serve(
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Run the service against the Kafka of PROFILELOG_KAFKA, until Ctrl-C or SIGTERM."""
    settings = Settings.load(host=host, port=port, data=data)
    configure_logging(settings.log_level)
    _run(settings, False, None, json)


def _run(settings: Settings, embedded: bool, account_secret: str | None, json: bool) -> None:
    def announce(started: Started) -> None:
        if json:
            clients = str(settings.data.resolve() / CLIENT_FILE) if embedded else None
            secret = None if started.secret is None else started.secret.text
            print_json(
                {
                    "url": started.url,
                    "kafka": started.kafka.bootstrap,
                    "kafka_properties": clients,
                    "secret": secret,
                }
            )
        else:
            print_text(banner(started, on_terminal=sys.stdout.isatty()))

    start = Start(settings, embedded, account_secret, announce)
    run_until_stopped(lambda: server.run(start))


def banner(started: Started, *, on_terminal: bool) -> str:
    """What a person needs to know. The secret is shown when it was made, and on a terminal alone: what else stdout is
    may be kept, and read by others (contract §15)."""
    lines = f"profilelog is ready at {started.url}\n  {_secret(started.secret, on_terminal)}\n"
    if started.secret is None or started.secret.file is None:
        return lines
    file = shlex.quote(str(started.secret.file))
    return lines + _EXAMPLE.format(url=started.url, file=file)


def _secret(secret: AccountSecret | None, on_terminal: bool) -> str:
    if secret is None:
        return _NOTHING_KEPT
    if secret.file is None:
        return "account secret: the one that was given"
    if secret.is_new and on_terminal:
        return f"account secret: {secret.text} (shown this once; {secret.file} keeps it)"
    return f"account secret: in {secret.file}"
