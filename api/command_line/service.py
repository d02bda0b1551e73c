"""`profilelog up` and `profilelog serve`: the service, with and without a Kafka of its own."""

from typing import Annotated

import typer

from api import server
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, HostOption, JsonOption, PortOption
from api.command_line.output import print_json, print_text
from api.command_line.process import run_until_stopped
from api.server import Started
from api.settings import Settings

_EXAMPLE = """\
profilelog is ready at {url}
  account secret: {secret}

Try:
  curl {url}/v3/observe/hooks/profiles -H 'X-Account-Secret: {secret}' \\
    -d '{{"uid": 1, "plan": "free"}}'
"""
_NOTHING_TO_TRY = """\
profilelog is ready at {url}
  no secret is kept here: `profilelog accounts create NAME` makes an account and shows its secret
"""


def up(
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
    account_secret: Annotated[
        str | None,
        typer.Option(
            help="A secret that the account “development” is to have; without it one is made."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run a Kafka broker and the service, until Ctrl-C or SIGTERM."""
    _run(Settings.load(host=host, port=port, data=data), True, account_secret, json)


def serve(
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Run the service against the Kafka of PROFILELOG_KAFKA, until Ctrl-C or SIGTERM."""
    _run(Settings.load(host=host, port=port, data=data), False, None, json)


def _run(settings: Settings, embedded: bool, account_secret: str | None, json: bool) -> None:
    configure_logging(settings.log_level)

    def announce(started: Started) -> None:
        if json:
            print_json({"url": started.url, "kafka": started.kafka, "secret": started.secret})
        else:
            text = _EXAMPLE if started.secret else _NOTHING_TO_TRY
            print_text(text.format(url=started.url, secret=started.secret))

    run_until_stopped(
        lambda: server.run(
            settings, embedded=embedded, account_secret=account_secret, announce=announce
        )
    )
