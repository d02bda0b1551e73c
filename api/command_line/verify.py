"""`profilelog verify`: the auditor's command. It shows places, and never what stands there."""

from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from api.command_line.bars import bars
from api.command_line.given import from_stdin
from api.command_line.logs import configure_logging
from api.command_line.options import AccountOption, DataOption, JsonOption
from api.command_line.output import STDOUT, complain, print_json, print_text
from api.command_line.person_search import Location, Locations, Report, search_everywhere
from api.command_line.process import Interrupted, run_to_end
from api.settings import Settings
from projections.auditing.person import Asked
from schemas.errors import InvalidValue
from schemas.identifiers import parse_email, parse_uid
from schemas.identity import is_id

_FOUND = 1
_FAILED = 2


def verify(
    uid: Annotated[str | None, typer.Option(help="The person with this uid; `-`: stdin.")] = None,
    email: Annotated[str | None, typer.Option(help="Whoever has this email; `-`: stdin.")] = None,
    deletion: Annotated[
        str | None, typer.Option(help="The person whom this deletion erased, by its id.")
    ] = None,
    account: AccountOption = None,
    contains: Annotated[
        list[str] | None,
        typer.Option(help="A string, anywhere; `-`: stdin. May be given several times."),
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Search for a person, or a string, in the whole log, the state folders and every file.

    Beside a service that runs, or without one. Other users of the machine can read what is on a command line, but
    not what comes from stdin: a line for each `-`, in the order of uid, email and strings.

    Exit code: 0 nothing found, 1 something found, 2 it could not look.
    """
    asked = _asked(uid, email, deletion, account, contains or [])
    try:
        settings = Settings.load(data=data)
        configure_logging(settings.log_level)
        with bars() as watch:
            report = run_to_end(lambda: search_everywhere(settings, asked, watch))
    except Interrupted:
        raise
    except Exception as error:
        # 1 says that something was found, so a failure must not end like that.
        complain(error)
        raise typer.Exit(_FAILED) from None
    if json:
        print_json(_described(report))
    else:
        _show(report)
    if report.found.counts:
        raise typer.Exit(_FOUND)


def _asked(
    uid: str | None,
    email: str | None,
    deletion: str | None,
    account: str | None,
    texts: list[str],
) -> Asked:
    """Raises `typer.BadParameter`, which names the option and not its value."""
    if uid is None and email is None and deletion is None and not texts:
        raise typer.BadParameter("name --uid, --email, --deletion or --contains")
    try:
        uid = None if uid is None else str(parse_uid(from_stdin("--uid", uid)))
        email = None if email is None else parse_email(from_stdin("--email", email))
    except InvalidValue as error:
        raise typer.BadParameter(f"--{error}") from None
    if deletion is not None and not is_id(deletion):
        raise typer.BadParameter("--deletion is an id of 24 hex digits")
    texts = [from_stdin("--contains", text) for text in texts]
    if not all(texts):
        raise typer.BadParameter("--contains needs a text")
    return Asked(uid=uid, email=email, deletion=deletion, account=account, texts=tuple(texts))


def _described(report: Report) -> dict[str, Any]:
    return {
        "found": _listed(report.found),
        "kept": _listed(report.kept),
        "omitted": {"found": report.found.omitted, "kept": report.kept.omitted},
        "looked_at": {"offsets": report.records, "rows": report.rows, "files": report.files},
        "not_looked_at": report.not_looked_at,
    }


def _listed(places: Locations) -> list[dict[str, Any]]:
    return [
        {**msgspec.to_builtins(location), "count": count}
        for location, count in places.counts.items()
    ]


def _show(report: Report) -> None:
    if report.found.counts:
        STDOUT.print(_table("FOUND", report.found))
    if report.kept.counts:
        STDOUT.print(_table("KEPT", report.kept))
    for omitted, name in ((report.found.omitted, "found"), (report.kept.omitted, "kept")):
        if omitted:
            print_text(f"{omitted} more places {name} are not listed")
    lines = "".join(f"\n  {line}" for line in report.not_looked_at)
    print_text(
        f"{_verdict(report)}\n"
        f"Searched {report.records} offsets, {report.rows} rows, {report.files} files. "
        f"Not searched:{lines}"
    )


def _verdict(report: Report) -> str:
    places = len(report.found.counts) + report.found.omitted
    return f"Found in {places} places." if places else "Nothing found."


def _table(title: str, places: Locations) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title, no_wrap=True)
    table.add_column("WHAT", no_wrap=True)
    table.add_column("COUNT", no_wrap=True, justify="right")
    table.add_column("WHERE", overflow="fold")
    for location, count in places.counts.items():
        table.add_row(location.kind, location.what, str(count), _where(location))
    return table


def _where(location: Location) -> str:
    """`topic-partition@offset`, or the file, and for bytes where in it and in which batch of the log."""
    position = (
        None
        if location.topic is None
        else f"{location.topic}-{location.partition}@{location.offset}"
    )
    if location.file is None:
        return position or ""
    byte = "" if location.position is None else f", byte {location.position}"
    batch = "" if position is None else f", {position}"
    return f"{location.file}{byte}{batch}"
