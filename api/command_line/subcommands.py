"""The commands of `profilelog`, and how each of them ends.

Exit codes: 0 done or stopped cleanly, 1 something that a person has to put right (one line on
stderr says what), 2 a wrong command line, 130 interrupted before it was done. `verify` is like grep:
0 nothing found, 1 something found, 2 it could not look. `audit` is like diff: 0 nothing is different, 1 something is,
2 it could not look. `forget` has 3 as well: nothing went wrong, but some users were not found.
"""

import os
import sys
from typing import Final

import typer

from api.command_line import (
    accounts,
    audit,
    broker,
    export,
    forget,
    import_users,
    purge,
    replay,
    secrets,
    service,
    set_aside,
    settings,
    verify,
)
from api.command_line.output import complain
from api.command_line.process import Interrupted
from streams.data_folder import UMASK

_INTERRUPTED: Final = 130

app = typer.Typer(
    help="A profile store whose truth is a Kafka log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would show local variables
)
app.command()(service.up)
app.command()(service.serve)
app.command()(broker.broker)
app.add_typer(accounts.app, name="accounts")
app.add_typer(secrets.app, name="secrets")
app.command("import")(import_users.import_users)
app.command()(forget.forget)
app.command()(verify.verify)
app.command()(purge.purge)
app.command("set-aside")(set_aside.set_aside)
app.command()(replay.replay)
app.command()(audit.audit)
app.add_typer(export.app, name="export")
app.command()(settings.settings)


def run() -> None:
    """Run the command that the arguments name, and exit."""
    os.umask(UMASK)  # what a command makes holds personal data
    try:
        app()
    except Interrupted:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        complain(error)
    sys.exit(1)
