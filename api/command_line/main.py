"""The entry point of `profilelog`: the commands, and how each of them ends.

Exit codes: 0 done or stopped cleanly, 1 something that a person has to put right (one line on
stderr says what), 2 a wrong command line, 130 interrupted before it was done.
"""

import logging
import sys
from typing import Final

import typer

from api.command_line import accounts, broker, forget, secrets, service, settings
from api.command_line.process import Interrupted
from schemas.errors import OperatorError, RequestError
from streams.broker import BrokerError

log = logging.getLogger(__name__)

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
app.command()(forget.forget)
app.command()(settings.settings)


def main() -> None:
    """Run the command that the arguments name, and exit."""
    try:
        app()
    except Interrupted:
        sys.exit(_INTERRUPTED)
    except (OperatorError, BrokerError, RequestError) as error:
        typer.echo(f"profilelog: {error}", err=True)
    except OSError as error:
        typer.echo(f"profilelog: {error.strerror}: {error.filename or 'no file'}", err=True)
    except Exception:
        log.exception("stopped by an error that is a fault in profilelog; please report this line")
    sys.exit(1)


if __name__ == "__main__":
    main()
