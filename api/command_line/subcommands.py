"""The commands of `profilelog`, and how each of them ends.

Exit codes: 0 done or stopped cleanly, 1 something that a person has to put right (one line on
stderr says what), 2 a wrong command line, 130 interrupted before it was done. `verify` is like grep:
0 nothing found, 1 something found, 2 it could not look. `audit` is like diff: 0 nothing is different, 1 something is,
2 it could not look. `forget` has 3 as well: nothing went wrong, but some users were not found.
"""

import os
import sys
from importlib import import_module
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group
from typing_extensions import override

from api.command_line.output import complain
from api.command_line.process import Interrupted
from streams.data_folder import UMASK

_INTERRUPTED: Final = 130

# Each command's module, and what it is there. Only the module of the command that runs is imported.
_COMMANDS: Final = {
    "up": ("service", "up"),
    "serve": ("service", "serve"),
    "broker": ("broker", "broker"),
    "nodes": ("nodes", "nodes"),
    "import": ("import_users", "import_users"),
    "forget": ("forget", "forget"),
    "verify": ("verify", "verify"),
    "purge": ("purge", "purge"),
    "set-aside": ("set_aside", "set_aside"),
    "replay": ("replay", "replay"),
    "audit": ("audit", "audit"),
    "settings": ("settings", "settings"),
    "accounts": ("accounts", "app"),
    "secrets": ("secrets", "app"),
    "export": ("export", "app"),
}


class _Commands(TyperGroup):
    """Imports a command when it is asked for."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the help."""
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command of this name; None where there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        found = getattr(import_module(f"api.command_line.{module}"), attribute)
        if isinstance(found, typer.Typer):
            command = get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command()(found)
            command = cast("TyperCommand", get_command(alone))
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would show local variables
)


@app.callback()
def profilelog() -> None:
    """A profile store whose truth is a Kafka log."""


def run() -> None:
    """Run the command that the arguments name, and exit."""
    os.umask(UMASK)  # what a command makes holds personal data
    try:
        app()
    except Interrupted:
        sys.exit(_INTERRUPTED)
    except ImportError:  # a library is missing: `main` says so
        raise
    except Exception as error:
        complain(error)
    sys.exit(1)
