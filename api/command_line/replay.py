"""`profilelog replay`: the log folded again, into a folder of its own or as lines on stdout."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.table import Table

from api.command_line.bars import Watch, bars
from api.command_line.given import from_stdin
from api.command_line.log_access import log_reader
from api.command_line.logs import configure_logging
from api.command_line.options import AccountOption, DataOption, JsonOption
from api.command_line.output import STDERR, STDOUT, print_json
from api.command_line.process import run_to_end
from api.interpreter import tune_garbage_collector
from api.settings import Settings
from projections.auditing.agreement import Digest, digest_of
from projections.auditing.scope import AccountScope, Scope, UserScope
from projections.profile import StoredProfile
from projections.profiles import ProfileState
from schemas.errors import InvalidValue, OperatorError
from schemas.identifiers import parse_uid
from schemas.timestamps import format_timestamp, parse_timestamp
from streams.auditing.audit import in_turns
from streams.auditing.replay import LogReader, Replay, Source

_STDOUT: Final = "-"
_PROFILES_AT_ONCE: Final = 1000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to replay: up to a time in unix milliseconds, of an account, of a user; `into` None prints it."""

    as_of: int | None
    account: str | None
    uid: int | str | None
    into: Path | None


class Partition(msgspec.Struct):
    """One partition: the offset that it was folded up to, how many records and rows, and the rows' digest."""

    topic: str
    partition: int
    applied: int
    records: int
    rows: int
    digest: str


class Report(msgspec.Struct):
    """What was folded, in `seconds`."""

    as_of: str | None
    profiles: int = 0
    partitions: list[Partition] = []
    seconds: float = 0


def replay(
    into: Annotated[
        str,
        typer.Option(
            help="A folder for the states, new or empty; `-`: profiles as lines on stdout."
        ),
    ],
    as_of: Annotated[
        str | None,
        typer.Option(help="A timestamp: in each partition up to the first event later than that."),
    ] = None,
    account: AccountOption = None,
    uid: Annotated[
        str | None, typer.Option(help="Only the user with this uid; `-`: stdin.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Fold the log again from its start, beside a service that runs or without one.

    Nothing is written to the log, and the service's state is not touched. With `--into -` the report goes to stderr.
    """
    asked = _asked(into, as_of, account, uid)
    settings = Settings.load(data=data)
    configure_logging(settings.log_level)
    with bars() as watch:
        report = run_to_end(lambda: _replay(settings, asked, watch))
    if asked.into is None:
        text = msgspec.json.encode(report).decode() if json else _table(report)
        STDERR.print(text, soft_wrap=True)
    elif json:
        print_json(report)
    else:
        STDOUT.print(_table(report))


def _asked(into: str, as_of: str | None, account: str | None, uid: str | None) -> Asked:
    """Raises `typer.BadParameter`, which names the option and not its value."""
    until = None if as_of is None else parse_timestamp(as_of)
    if as_of is not None and until is None:
        raise typer.BadParameter("--as-of is a timestamp: 2029-04-07T12:18:00Z")
    try:
        user = None if uid is None else parse_uid(from_stdin("--uid", uid))
    except InvalidValue as error:
        raise typer.BadParameter(f"--{error}") from None
    folder = None if into == _STDOUT else Path(into)
    return Asked(as_of=until, account=account, uid=user, into=folder)


async def _replay(settings: Settings, asked: Asked, watch: Watch) -> Report:
    began = time.monotonic()
    report = Report(None if asked.as_of is None else format_timestamp(asked.as_of))
    with _folder(asked.into) as folder:
        async with log_reader(settings) as log:
            tune_garbage_collector()
            scope = await _scope(log, asked)
            sources = _sources(log, asked, scope)
            watch.begin("replay", await log.size(sources))
            for source in sources:
                replay = log.replay(source, folder / f"{source.topic}-{source.partition}")
                with contextlib.closing(replay):
                    end = await log.end(source)
                    await replay.fold_to(end, watch.advance, scope=scope, as_of=asked.as_of)
                    await _add(report, replay, show=asked.into is None)
    report.seconds = round(time.monotonic() - began, 1)
    return report


async def _scope(log: LogReader, asked: Asked) -> Scope | None:
    """Raises `NotFound` for an account that the log does not know."""
    if asked.uid is not None:
        accounts = await log.accounts(asked.account)
        named = accounts if asked.account is None else {asked.account}
        return UserScope(log.identity, named, asked.uid)
    if asked.account is not None:
        await log.accounts(asked.account)
        return AccountScope(asked.account)
    return None


def _sources(log: LogReader, asked: Asked, scope: Scope | None) -> list[Source]:
    """What has to be folded: to print profiles the email index is not needed."""
    sources = log.sources
    if asked.into is None:
        sources = [source for source in sources if source.topic == log.topics.events]
    if isinstance(scope, UserScope):
        wanted = scope.partitions
        sources = [
            source
            for source in sources
            if source.topic != log.topics.events or source.partition in wanted
        ]
    return sources


async def _add(report: Report, replay: Replay, *, show: bool) -> None:
    state, digest = replay.state, Digest()
    if isinstance(state, ProfileState):
        state.changed.drop_all()
        for profile in _profiles(state):
            report.profiles += 1
            if show:
                print_json(_line(replay.source, profile))
    await in_turns(digest_of(state.storage, replay.newest, digest))
    source, applied = replay.source, replay.applied
    report.partitions.append(
        Partition(*source, applied, replay.records, digest.rows, digest.text())
    )


def _profiles(state: ProfileState) -> Iterator[StoredProfile]:
    ids = state.ids()
    while some := list(islice(ids, _PROFILES_AT_ONCE)):
        yield from state.read_all(some)


def _line(source: Source, profile: StoredProfile) -> dict[str, object]:
    """A profile, and the position of the last event that changed it."""
    return {
        "account": profile.header.account,
        "position": {"partition": source.partition, "offset": profile.header.version},
        "profile": msgspec.Raw(profile.json),
    }


@contextlib.contextmanager
def _folder(into: Path | None) -> Generator[Path]:
    """Where the states go: the folder that was asked for, emptied again when it fails, or a temporary one."""
    if into is None:
        with tempfile.TemporaryDirectory(prefix="profilelog-replay-") as scratch:
            yield Path(scratch)
        return
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise OperatorError(
            f"{into} is not an empty folder: name one that does not exist yet, or remove what is in it"
        )
    into.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds personal data
    try:
        yield into
    except BaseException:
        for each in into.iterdir():
            shutil.rmtree(each)
        raise


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("PARTITION", no_wrap=True)
    for column in ("APPLIED", "RECORDS", "ROWS"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("DIGEST", no_wrap=True)
    for each in report.partitions:
        numbers = [str(number) for number in (each.applied, each.records, each.rows)]
        table.add_row(f"{each.topic}-{each.partition}", *numbers, each.digest)
    return table
