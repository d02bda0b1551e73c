"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder.", show_default="PROFILELOG_DATA or .profilelog"),
]
HostOption = Annotated[
    str | None,
    typer.Option("--host", help="Where to listen.", show_default="PROFILELOG_HOST or 127.0.0.1"),
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", help="Where to listen; 0: a free port.", show_default="PROFILELOG_PORT or 8080"
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, for scripts.")
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", help="The service.", show_default="PROFILELOG_URL or http://127.0.0.1:8080"
    ),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="The account's id.", show_default="all accounts")
]
SecretOption = Annotated[str | None, typer.Option("--secret", hidden=True)]
"""Deprecated: every user of the machine can read it in the list of processes."""
SecretFileOption = Annotated[
    Path | None,
    typer.Option(
        "--secret-file",
        help="A file with the account's secret; `-`: stdin.",
        show_default="PROFILELOG_SECRET or the data folder's account.secret",
    ),
]
