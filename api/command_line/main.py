"""The entry point of `profilelog`. A library that is missing, or of another version, is named in one line."""

import sys

from private_names.checked import WrongVersion


def main() -> None:
    """Run the command that the arguments name, and exit."""
    try:
        from api.command_line.subcommands import run

        run()
    except WrongVersion as error:
        sys.exit(f"profilelog: {error}")
    except ImportError as error:
        sys.exit(f"profilelog: {error}: install the versions of requirements.lock")


if __name__ == "__main__":
    main()
