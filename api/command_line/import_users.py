"""`profilelog import users.csv`: create or update the users of a file through a running service (contract §4).

1. The file or pipe is read to its end, once, to see that all of it can be; a copy is kept (`input_file`).
2. The copy goes out in portions, each a batch with an Idempotency-Key that comes from the portion itself. So one that
   is sent again has one effect, also by another run of the same file within 24 hours: after Ctrl-C, start it again.
3. When all are sent, each batch is waited for until every read shows it.

Lines that were not taken are written to a file beside it, with the reason. Messages name lines and nothing that
stands in them.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from api.command_line.bars import counting_bar
from api.command_line.given import secret_of
from api.command_line.import_file import Format, Line, check_lines, read_lines
from api.command_line.import_sending import OnModelMissing, Report, Sending, judged
from api.command_line.input_file import Input, check_path
from api.command_line.logs import configure_logging
from api.command_line.options import (
    DataOption,
    JsonOption,
    SecretFileOption,
    SecretOption,
    UrlOption,
)
from api.command_line.output import print_json, print_text
from api.command_line.rejects import Rejects
from api.settings import Settings

Advance = Callable[[int], None]


def import_users(
    file: Annotated[
        Path,
        typer.Argument(
            callback=check_path,
            help="CSV, whose header line names the properties (an empty cell is not sent), or NDJSON, "
            "an object a line. Each user has a uid, an email or an id. `-` reads the standard input.",
        ),
    ],
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How the file is written.",
            show_default="by its name; of a pipe by its first character",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing, only check each line.")
    ] = False,
    on_model_missing: Annotated[
        OnModelMissing, typer.Option(help="What to do about users who do not exist.")
    ] = OnModelMissing.CREATE,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Also send what a run of the last 24 hours has sent from this file."
        ),
    ] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the lines that were not taken.",
            show_default="FILE.rejected.ndjson, of a pipe import.rejected.ndjson",
        ),
    ] = None,
    url: UrlOption = None,
    secret: SecretOption = None,
    secret_file: SecretFileOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Create or update the users of a file. It may be interrupted and started again.

    Exit code: 0 all lines were taken, 1 some were not.
    """
    settings = Settings.load(url=url, secret=secret_of("--secret", secret, secret_file), data=data)
    configure_logging("warning")  # httpx logs addresses at INFO
    began = time.monotonic()
    report = Report(dry_run)
    run = secrets.token_hex() if again else ""
    _import(file, form, rejected, settings, on_model_missing, run, report)
    report.seconds = round(time.monotonic() - began, 1)
    if json:
        print_json(report)
    else:
        print_text(_summary(report))
    if report.rejected:
        raise typer.Exit(1)


def _import(
    file: Path,
    form: Format | None,
    rejected: Path | None,
    settings: Settings,
    on_model_missing: OnModelMissing,
    run: str,
    report: Report,
) -> None:
    """Send the file, or check it for a dry run; what came of it is in the report."""
    with Input(file) as source, Rejects(source, rejected) as rejects, counting_bar() as progress:
        form = form or Format.of(source)
        with source.refusing():
            for _ in progress.track(check_lines(source.read(), form), description="reading"):
                report.lines += 1
        lines = read_lines(source.again(), form)
        if report.dry_run:
            task = progress.add_task("checking", total=report.lines)
            _check(lines, settings, report, rejects, lambda n: progress.advance(task, n))
        else:
            sending = Sending(settings, on_model_missing, report, rejects, progress)
            sending.run(lines, run)
    report.rejected, report.rejected_file = rejects.count, rejects.written


def _check(
    lines: Iterable[Line], settings: Settings, report: Report, rejects: Rejects, advance: Advance
) -> None:
    """Judge each line as the service does that knows nobody yet."""
    for line in lines:
        code, reason = judged(line, settings)
        if reason is None:
            report.taken += 1
        else:
            rejects.add(line, code, reason)
        advance(1)


def _summary(report: Report) -> str:
    lines = [
        f"{report.lines} users in the file",
        f"{report.taken} {'can be taken' if report.dry_run else 'taken'}",
    ]
    if report.skipped:
        lines.append(f"{report.skipped} skipped, for they do not exist")
    if report.repeated:
        lines.append(f"{report.repeated} of these were sent by an earlier run already")
    lines.append(f"{report.rejected} rejected")
    if report.rejected_file is not None:
        lines.append(f"  see {report.rejected_file}")
    return "\n".join(lines)
