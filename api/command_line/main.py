"""The entry point of `profilelog`. It imports nothing that an upgraded library could refuse at its import."""

import sys

from private_names.checked import WrongVersion


def main() -> None:
    """Run the command that the arguments name, and exit."""
    try:
        from api.command_line.subcommands import run
    except WrongVersion as error:
        sys.exit(f"profilelog: {error}")
    except ImportError as error:
        sys.exit(f"profilelog: {error}: install the versions of requirements.lock")
    run()


if __name__ == "__main__":
    main()
