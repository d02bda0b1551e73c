"""`profilelog export`: what the log holds about one user."""

from typing import Annotated, Any, Final

import msgspec
import typer

from api.command_line.bars import Watch, bars
from api.command_line.given import from_stdin
from api.command_line.log_access import log_reader
from api.command_line.logs import configure_logging
from api.command_line.options import AccountOption, DataOption
from api.command_line.output import print_json
from api.command_line.process import run_to_end
from api.settings import Settings
from projections.auditing.scope import UserScope
from schemas.errors import InvalidValue, NotFound
from schemas.events import (
    CompanyGone,
    DeletionPurged,
    DeletionTombstoned,
    ProfileForgotten,
    decode_profile_event,
)
from schemas.identifiers import parse_uid
from schemas.timestamps import format_timestamp
from streams.auditing.replay import Advance, LogReader, Source

# What is kept for ever, and holds nothing of anybody.
_OTHERS: Final = (CompanyGone, DeletionPurged, DeletionTombstoned, ProfileForgotten)

app = typer.Typer(help="Write out what the log holds about a user.", no_args_is_help=True)


@app.callback()
def export() -> None:
    """Keeps `events` a command of its own."""


@app.command()
def events(
    uid: Annotated[str, typer.Option(help="The user with this uid; `-`: stdin.")],
    account: AccountOption = None,
    data: DataOption = None,
) -> None:
    """Print the user's events as they stand in the log, oldest first, one JSON document a line.

    Beside a service that runs, or without one. Exit code: 1 when there are none, as after a forget.
    """
    try:
        user = parse_uid(from_stdin("--uid", uid))
    except InvalidValue as error:
        raise typer.BadParameter(f"--{error}") from None
    settings = Settings.load(data=data)
    configure_logging(settings.log_level)
    with bars() as watch:
        found = run_to_end(lambda: _find(settings, user, account, watch))
    for line in found:
        print_json(line)


async def _find(
    settings: Settings, uid: int | str, account: str | None, watch: Watch
) -> list[dict[str, Any]]:
    """Raises `NotFound` where there are none, and for an account that the log does not know."""
    async with log_reader(settings) as log:
        accounts = await log.accounts(account)
        scope = UserScope(log.identity, accounts if account is None else {account}, uid)
        sources = [Source(log.topics.events, partition) for partition in scope.partitions]
        watch.begin("events", await log.size(sources))
        found = [
            line for source in sources for line in await _scan(log, source, scope, watch.advance)
        ]
    if not found:
        raise NotFound("The log has no events of this user: nobody of this uid, or forgotten")
    return found


async def _scan(
    log: LogReader, source: Source, scope: UserScope, advance: Advance
) -> list[dict[str, Any]]:
    """The events of one partition, until what was appended while it was read is read too: it may be a forget."""
    found: list[dict[str, Any]] = []
    read, end = 0, await log.end(source)
    while read < end:
        async for records in log.read(source, read, end, advance):
            for record in records:
                if record.offset < end and record.value:
                    _take(found, source, scope, record)
        read, end = end, await log.end(source)
    return found


def _take(found: list[dict[str, Any]], source: Source, scope: UserScope, record: Any) -> None:
    """Add the record if it is one of the user's events; drop those that it forgets."""
    forgotten = scope.forgotten
    if not scope.event(record.key, record.value):
        return
    event = decode_profile_event(record.value)
    if scope.forgotten > forgotten:
        found[:] = [line for line in found if line["account"] != event.account]
    if isinstance(event, _OTHERS):
        return
    line = {
        "account": event.account,
        "position": {"partition": source.partition, "offset": record.offset},
        "key": record.key.decode(),
        "type": event.__struct_config__.tag,
        "at": format_timestamp(event.at),
        "event": msgspec.Raw(record.value),
    }
    found.append(line)
